package io.cistern.batch;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;

/**
 * How a batch file is compressed, told by the extension of its name. A compressed file is a row of members (gzip, RFC
 * 1952) or frames (zstd, RFC 8878), which every tool of these formats reads as one file.
 */
public enum Compression {

    NONE("") {
        @Override
        byte[] compress(byte[] bytes, int length) {
            return Arrays.copyOf(bytes, length);
        }

        @Override
        public InputStream decompress(InputStream in) {
            return in;
        }
    },

    GZIP(".gz") {
        @Override
        byte[] compress(byte[] bytes, int length) {
            ByteArrayOutputStream out = new ByteArrayOutputStream(length / 4 + 64);
            try (GZIPOutputStream gzip = new GZIPOutputStream(out, 8192)) {
                gzip.write(bytes, 0, length);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return out.toByteArray();
        }

        @Override
        public InputStream decompress(InputStream in) throws IOException {
            // Not the JDK's: it takes the end of a member for the end of the file where a stream says available() = 0.
            return new GzipCompressorInputStream(in, true);
        }
    },

    ZSTD(".zst") {
        @Override
        byte[] compress(byte[] bytes, int length) {
            try (ZstdCompressCtx zstd = new ZstdCompressCtx()) {
                // Which gzip has anyway: what rots in the bucket is told from what was stored.
                return zstd.setLevel(3).setChecksum(true)
                    .compress(length == bytes.length ? bytes : Arrays.copyOf(bytes, length));
            }
        }

        @Override
        public InputStream decompress(InputStream in) throws IOException {
            // Which would take a file without a single frame for an empty one.
            PushbackInputStream start = new PushbackInputStream(in);
            int first = start.read();
            if (first < 0) {
                throw new EOFException("Input is not in the .zst format: it is empty");
            }
            start.unread(first);
            return new ZstdInputStream(new LastByteAlone(start));
        }
    };

    private final String extension;

    Compression(String extension) {
        this.extension = extension;
    }

    /** What a file's name ends with behind {@code .txt}; empty for none. */
    public String extension() {
        return extension;
    }

    /** The bytes {@code [0, length)} as one member or frame of its own. */
    abstract byte[] compress(byte[] bytes, int length);

    /**
     * The text of a compressed file.
     *
     * @throws IOException if the stream does not start as such a file
     */
    public abstract InputStream decompress(InputStream in) throws IOException;

    /**
     * The compression of a setting's value: none, gzip or zstd.
     *
     * @throws IllegalArgumentException if it is no such name
     */
    public static Compression ofSetting(String name) {
        return valueOf(name.trim().toUpperCase(Locale.ROOT));
    }

    /** The compression of a file by the extension of its name; null if the name does not end like a batch file's. */
    public static Compression ofFileName(String name) {
        for (Compression compression : values()) {
            if (name.endsWith(".txt" + compression.extension)) {
                return compression;
            }
        }
        return null;
    }

    /**
     * Gives the last byte of a stream in a read of its own. The library asks whether a frame has ended only for what it read
     * last: it would take a file for whole that ends within a frame, if a frame before it ended in the same read.
     */
    private static final class LastByteAlone extends InputStream {

        private final InputStream in;
        private boolean started;
        /** The byte that was read and not given yet; -1 at the end. */
        private int held;

        private LastByteAlone(InputStream in) {
            this.in = in;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (!started) {
                started = true;
                held = in.read();
            }
            if (held < 0 || length == 0) {
                return held < 0 ? -1 : 0;
            }
            bytes[offset] = (byte) held;
            if (length == 1) {
                held = in.read();
                return 1;
            }
            int count = in.read(bytes, offset + 1, length - 1);
            held = count < 0 ? -1 : bytes[offset + count] & 0xff;
            return Math.max(1, count);
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
