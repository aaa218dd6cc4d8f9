package io.cistern.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * What is measured together, interleaved.
 *
 * @param way         store or reload
 * @param bucket      file or s3
 * @param compression of the files: none, gzip, zstd
 * @param size        bytes of a value
 */
record Case(String way, String bucket, String compression, int size) {

    private static final List<Integer> SIZES = List.of(100, 1024, 10_240);
    private static final List<String> COMPRESSIONS = List.of("none", "gzip", "zstd");

    /** All of them, in the order in which they are done: S3 with compressed files for values of 1 KiB only. */
    static List<Case> all() {
        List<Case> cases = new ArrayList<>();
        for (int size : SIZES) {
            for (String compression : COMPRESSIONS) {
                for (String bucket : size == 1024 || compression.equals("none") ? List.of("file", "s3") : List.of("file")) {
                    cases.add(new Case("store", bucket, compression, size));
                    cases.add(new Case("reload", bucket, compression, size));
                }
            }
        }
        return cases;
    }

    /** As the option bench.only has it: store-none-100, or reload-zstd-1024-s3. */
    String name() {
        return way + "-" + compression + "-" + size + (bucket.equals("file") ? "" : "-" + bucket);
    }

    /** Who is measured: Kafka's own tools and the variants know nothing of files, and come once for each size. */
    List<String> contestants() {
        boolean plain = bucket.equals("file") && compression.equals("none");
        if (way.equals("store")) {
            return plain ? List.of("kafka", "loop", "cistern") : List.of("loop", "cistern");
        }
        return plain ? List.of("kafka", "loop", "loop-tx", "cistern", "cistern-least") : List.of("loop-tx", "cistern");
    }

    /**
     * Bytes of a file for both, loop and jar: the default, and an eighth of it where files are compressed, so that they hold
     * about as much text, and are full as often.
     */
    int fileBytes() {
        return compression.equals("none") ? 8 << 20 : 1 << 20;
    }

    String topic() {
        return "values-" + size;
    }
}
