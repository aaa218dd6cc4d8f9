package io.cistern.bucket;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.testing.stores.NamesStore;
import java.util.Iterator;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A folder of a million files: names come page by page, so that no more than a page is ever held. */
class MillionNamesTest {

    private static final int NAMES = 1_000_000;

    private static String name(int number) {
        return "2022-11-14T13:26:37.728Z_orders_0_%07d_1668432398047.txt".formatted(number);
    }

    @Test
    void areReadPageByPageAsTheyAreAskedFor() {
        try (NamesStore store = new NamesStore(NAMES, Map.of("orders/", MillionNamesTest::name));
             TestBucket bucket = new TestBucket(store.settings())) {
            Iterator<String> names = bucket.bucket().list("orders", null);
            for (int i = 0; i < NAMES; i++) {
                String name = names.next();
                if (i % NamesStore.PAGE == 0) {
                    assertThat(name).isEqualTo(name(i));
                    assertThat(store.requests()).hasValue(i / NamesStore.PAGE + 1);
                }
            }
            assertThat(names.hasNext()).isFalse();

            // And a listing that starts late asks for nothing before
            store.requests().set(0);
            Iterator<String> last = bucket.bucket().list("orders", name(998_999));
            assertThat(last.next()).isEqualTo(name(999_000));
            last.forEachRemaining(name -> assertThat(name).isGreaterThan(name(999_000)));
            assertThat(store.requests()).hasValue(1);
        }
    }
}
