package io.cistern.kafka;

import java.util.Properties;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.record.CompressionType;

/** The compression that a producer applies to its batches. */
public enum Codec {

    NONE(Compression.NONE),
    GZIP(Compression.gzip().build()),
    SNAPPY(Compression.snappy().build()),
    LZ4(Compression.lz4().build()),
    ZSTD(Compression.zstd().build()),
    /** Zstandard at a level that makes a record smaller than the usual levels of any codec, at a tenth of the speed. */
    ZSTD_HIGH(Compression.zstd().level(Codec.HIGH_LEVEL).build());

    private static final int HIGH_LEVEL = 19;

    private final Compression compression;

    Codec(Compression compression) {
        this.compression = compression;
    }

    Compression compression() {
        return compression;
    }

    /** The codec of a producer with these properties. */
    static Codec of(Properties producer) {
        return named(String.valueOf(producer.getOrDefault(ProducerConfig.COMPRESSION_TYPE_CONFIG, CompressionType.NONE.name)));
    }

    /** The codec that a topic stores its batches with; null if it keeps the codec of the producer. */
    static Codec ofTopic(String compressionType) {
        return compressionType == null || compressionType.equals("producer") ? null : named(compressionType);
    }

    private static Codec named(String name) {
        // A topic of uncompressed batches has this name for it.
        return named(name.equals("uncompressed") ? CompressionType.NONE : CompressionType.forName(name));
    }

    private static Codec named(CompressionType type) {
        return switch (type) {
            case NONE -> NONE;
            case GZIP -> GZIP;
            case SNAPPY -> SNAPPY;
            case LZ4 -> LZ4;
            case ZSTD -> ZSTD;
        };
    }

    /** Makes a producer with these properties use this codec; does nothing if it is its codec already. */
    void applyTo(Properties producer) {
        if (of(producer) != this) {
            producer.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, compression.type().name);
            producer.remove(TopicConfig.COMPRESSION_ZSTD_LEVEL_CONFIG);
            if (this == ZSTD_HIGH) {
                producer.put(TopicConfig.COMPRESSION_ZSTD_LEVEL_CONFIG, HIGH_LEVEL);
            }
        }
    }
}
