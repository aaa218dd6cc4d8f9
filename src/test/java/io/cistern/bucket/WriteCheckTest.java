package io.cistern.bucket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class WriteCheckTest {

    private static final IOException FULL = new IOException("No space left on device");

    private final AtomicLong nanos = new AtomicLong();
    private final LastPut lastPut = new LastPut(nanos::get);
    private final List<String> written = new ArrayList<>();
    private final List<Long> lengths = new ArrayList<>();
    private boolean isFull;
    private final WriteCheck check = new WriteCheck(lastPut, this::write, nanos::get);

    /** As the bucket does it. */
    private void write(String path, Content content) throws IOException {
        written.add(path);
        lengths.add(content.getLength());
        if (isFull) {
            lastPut.failed(FULL, content.getLength());
            throw FULL;
        }
        lastPut.succeeded(content.getLength());
    }

    @Test
    void asksNothingOfABucketThatTakesFiles() throws IOException {
        for (int i = 0; i < 100; i++) {
            nanos.addAndGet(WriteCheck.IDLE_NANOS / 2);
            lastPut.succeeded(1);
            check.check();
        }
        assertThat(written).isEmpty();
    }

    @Test
    void failsWithTheReasonOfTheLastFileUntilOneIsStored() {
        lastPut.failed(FULL, 8_000_000);
        for (int i = 0; i < 10; i++) {
            nanos.addAndGet(WriteCheck.QUIET_NANOS / 2);
            lastPut.failed(FULL, 8_000_000);
            assertThatThrownBy(check::check).isSameAs(FULL);
        }
        assertThat(written).isEmpty();

        lastPut.succeeded(8_000_000);
        assertThatCode(check::check).doesNotThrowAnyException();
    }

    @Test
    void emptyFilesProveNothing() {
        lastPut.failed(FULL, 100);
        lastPut.succeeded(0);
        assertThatThrownBy(check::check).isSameAs(FULL);
        lastPut.succeeded(100);
        lastPut.failed(FULL, 0);
        assertThatCode(check::check).doesNotThrowAnyException();
    }

    @Test
    void writesAFileOfItsOwnWhenNobodyTriesAnyMore() {
        // Given a file that could not be stored, and nobody who tries again
        isFull = true;
        lastPut.failed(FULL, 8_000_000);
        nanos.addAndGet(WriteCheck.QUIET_NANOS + 1);

        // Then it finds that nothing has changed, and asks again only after the same time
        assertThatThrownBy(check::check).isSameAs(FULL);
        assertThatThrownBy(check::check).isSameAs(FULL);
        assertThat(written).hasSize(1);
        assertThat(lengths).containsExactly((long) WriteCheck.MOST_BYTES);

        // When there is room again
        isFull = false;
        nanos.addAndGet(WriteCheck.QUIET_NANOS + 1);

        // Then it is found by a file of another name, which is the last one
        assertThatCode(check::check).doesNotThrowAnyException();
        assertThatCode(check::check).doesNotThrowAnyException();
        assertThat(written).hasSize(2).doesNotHaveDuplicates();
    }

    @Test
    void findsThatAnIdleStorersBucketTakesNoFiles() {
        isFull = true;
        nanos.addAndGet(WriteCheck.IDLE_NANOS + 1);
        assertThatThrownBy(check::check).isSameAs(FULL);
        assertThat(written).containsExactly(WriteCheck.PROBE);
    }

    @Test
    void writesTheSameFileNowAndThenWhileAStorerIsIdle() throws IOException {
        for (int i = 0; i < 60; i++) {
            nanos.addAndGet(WriteCheck.IDLE_NANOS / 6 + 1);
            check.check();
        }
        assertThat(written).hasSizeBetween(8, 10).containsOnly(WriteCheck.PROBE);
        assertThat(lengths).containsOnly((long) WriteCheck.IDLE_BYTES);
    }
}
