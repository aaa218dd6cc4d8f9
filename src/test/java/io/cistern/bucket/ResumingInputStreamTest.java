package io.cistern.bucket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A file that is read on where it broke off ends when all of it has come, and never before. */
class ResumingInputStreamTest {

    private static final int SIZE = 1000;
    private static final byte[] BYTES = BucketContract.bytes(SIZE);

    private final List<Long> opened = new ArrayList<>();
    private final List<Part> parts = new ArrayList<>();

    /** A stream of a source, which may break off. */
    private static final class Part extends FilterInputStream {

        private final IOException end;
        private boolean closed;

        /** @param end what it ends with; null for an end like that of the file */
        private Part(InputStream in, IOException end) {
            super(in);
            this.end = end;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int count = in.read(bytes, offset, length);
            if (count < 0 && end != null) {
                throw end;
            }
            return count;
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    private static ResumingInputStream open(ResumingInputStream.Source source) throws IOException {
        return new ResumingInputStream("orders/a.txt", source, 2, Duration.ofMillis(1), Duration.ofMillis(3));
    }

    /** Gives the file from {@code from} on, but no more than {@code length} bytes of it. */
    private ResumingInputStream.Part part(long from, int length, IOException end) {
        opened.add(from);
        Part part = new Part(new ByteArrayInputStream(BYTES, (int) from, length), end);
        parts.add(part);
        return new ResumingInputStream.Part(part, SIZE);
    }

    @Test
    void goesOnAtTheByteWhereItBrokeOff() throws IOException {
        // Once with an exception, once with an end that is none, once with one that is no IOException
        ResumingInputStream in = open(from -> part(from, (int) Math.min(300, SIZE - from),
            from == 0 ? new SocketException("reset") : null));

        assertThat(in.readAllBytes()).isEqualTo(BYTES);
        assertThat(in.read()).isEqualTo(-1);
        assertThat(opened).containsExactly(0L, 300L, 600L, 900L);
        assertThat(parts.subList(0, 3)).allMatch(part -> part.closed);
    }

    @Test
    void readsByteByByteToo() throws IOException {
        ResumingInputStream in = open(from -> part(from, (int) Math.min(7, SIZE - from), null));

        for (byte expected : BYTES) {
            assertThat(in.read()).isEqualTo(expected & 0xff);
        }
        assertThat(in.read()).isEqualTo(-1);
    }

    @Test
    void aFileWithoutBytesEndsAtOnce() throws IOException {
        ResumingInputStream in = open(from -> new ResumingInputStream.Part(InputStream.nullInputStream(), 0));

        assertThat(in.read()).isEqualTo(-1);
        assertThat(in.size()).isZero();
    }

    @Test
    void givesUpWhenNothingMoreComes() throws IOException {
        ResumingInputStream in = open(from -> part(from, from == 0 ? 300 : 0, new SocketException("reset")));

        assertThatThrownBy(in::readAllBytes).isInstanceOf(BucketException.class)
            .hasMessage("bucket get orders/a.txt: reading broke off after 300 of 1000 bytes: SocketException: reset")
            .hasRootCauseInstanceOf(SocketException.class);
        assertThat(opened).containsExactly(0L, 300L, 300L);
        assertThat(parts).allMatch(part -> part.closed);
    }

    @Test
    void staysFailedWhenItIsAskedOnceMore() throws IOException {
        ResumingInputStream in = open(from -> part(from, from == 0 ? 300 : 0, null));

        assertThatThrownBy(in::readAllBytes).isInstanceOf(BucketException.class);
        assertThatThrownBy(in::read).isInstanceOf(BucketException.class);
    }

    @Test
    void countsAnewAfterProgress() throws IOException {
        // Every byte comes with the last attempt that there is.
        ResumingInputStream in = open(from -> part(from, opened.size() % 2 == 0 ? 1 : 0, new SocketException("reset")));

        assertThat(in.readNBytes(100)).isEqualTo(Arrays.copyOf(BYTES, 100));
        assertThat(opened).hasSizeGreaterThan(190);
    }

    @Test
    void whatCannotBeOpenedAgainIsTriedAgainToo() throws IOException {
        ResumingInputStream in = open(from -> {
            if (from > 0 && opened.size() == 1) {
                opened.add(-1L);
                throw new BucketException("get", "orders/a.txt", "the store is too busy", null);
            }
            return part(from, (int) Math.min(600, SIZE - from), null);
        });

        assertThat(in.readAllBytes()).isEqualTo(BYTES);
        assertThat(opened).containsExactly(0L, -1L, 600L);
    }

    @Test
    void saysWhyItCouldNotBeOpenedAgain() throws IOException {
        ResumingInputStream in = open(from -> {
            if (from > 0) {
                throw new BucketException("get", "orders/a.txt", "the store is too busy", null);
            }
            return part(from, 600, null);
        });

        assertThatThrownBy(in::readAllBytes).isInstanceOf(BucketException.class)
            .hasMessage("bucket get orders/a.txt: the store is too busy");
    }

    @Test
    void aFileThatIsGoneOrAnotherOneMeanwhileIsNoEnd() throws IOException {
        ResumingInputStream gone = open(from -> {
            if (from > 0) {
                throw new NoSuchFileException("orders/a.txt");
            }
            return part(from, 600, null);
        });
        assertThatThrownBy(gone::readAllBytes).isInstanceOf(BucketException.class)
            .hasMessageContaining("orders/a.txt").hasMessageContaining("gone after 600 of 1000 bytes");

        ResumingInputStream changed = open(from -> from == 0 ? part(from, 600, null)
            : new ResumingInputStream.Part(InputStream.nullInputStream(), 600));
        assertThatThrownBy(changed::readAllBytes).isInstanceOf(BucketException.class)
            .hasMessageContaining("orders/a.txt").hasMessageContaining("had 1000 bytes, and now has 600");
    }

    @Test
    void moreBytesThanTheFileHasAreNotTakenForTheFile() throws IOException {
        ResumingInputStream in = open(from -> new ResumingInputStream.Part(new ByteArrayInputStream(BYTES), 999));

        assertThatThrownBy(in::readAllBytes).isInstanceOf(BucketException.class)
            .hasMessageContaining("more than its 999 bytes");
    }

    @Test
    void whatFailsAtTheFirstOpeningIsNotHeldBack() {
        assertThatThrownBy(() -> open(from -> {
            throw new NoSuchFileException("orders/a.txt");
        })).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void aReadThatFailsInAnyOtherWayIsResumedToo() throws IOException {
        ResumingInputStream in = open(from -> {
            ResumingInputStream.Part part = part(from, (int) (SIZE - from), null);
            return from > 0 ? part : new ResumingInputStream.Part(new InputStream() {
                private boolean failed;

                @Override
                public int read() {
                    throw new UnsupportedOperationException();
                }

                @Override
                public int read(byte[] bytes, int offset, int length) throws IOException {
                    if (failed) {
                        throw new IllegalStateException("the SDK's own");
                    }
                    failed = true;
                    return part.bytes().readNBytes(bytes, offset, Math.min(length, 10));
                }
            }, SIZE);
        });

        assertThat(in.readAllBytes()).isEqualTo(BYTES);
        assertThat(opened).containsExactly(0L, 10L);
    }

    @Test
    void aThreadThatIsInterruptedWaitsNoMore() throws IOException {
        ResumingInputStream in = new ResumingInputStream("orders/a.txt", from -> part(from, 0, null), 2,
            Duration.ofMinutes(1), Duration.ofMinutes(1));

        Thread.currentThread().interrupt();

        assertThatThrownBy(in::read).isInstanceOf(IOException.class);
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void closingClosesWhatIsOpen() throws IOException {
        ResumingInputStream in = open(from -> part(from, SIZE, null));
        in.read();

        in.close();
        in.close();

        assertThat(parts).singleElement().matches(part -> part.closed);
    }
}
