package io.cistern.reload;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * Finds which record of a stream is the last of its key, in bounded memory whatever the number of keys. The stream is read
 * twice: first each record with a key is {@link #add added}, then, behind {@link #done}, it is asked of each whether it {@link
 * #isLatest is the latest}.
 *
 * <p>A key is known by 128 bits of its SHA-256: for two of a billion keys to share them is less likely than 1 in
 * 10^20, and to find two such keys on purpose takes 2^64 attempts. What does not fit into memory lies in one temporary file,
 * which only its owner may read, of at most 24 bytes for a record and 8 for a key; it holds no keys and no values, and is gone
 * when this is closed (on Linux and macOS also when the process is killed).
 *
 * <p>Not thread-safe.
 */
final class LatestByKey implements Closeable {

    /** Of an entry: the hash in two longs, and the position plus one; that is 0 where there is none. */
    private static final int LONGS = 3;
    /** Slots behind the table's last: an entry lies behind where its hash belongs, if others are there already. */
    private static final int SLOTS_BEHIND = 256;
    private static final int LEAST_BUFFER = 480;
    private static final int MOST_BUFFER = 48 * 1024;
    private static final Comparator<Run> BY_HASH = (one, other) -> compare(
        one.entry[0], one.entry[1], other.entry[0], other.entry[1]);

    private final Path folder;
    private final long memoryBytes;
    private final int slots;
    /** Entries in the order of their hashes, nearly: each at its hash's place or soon behind it. Later: sorted positions. */
    private long[] table;
    private int count;
    private FileChannel file;
    private final List<Run> runs = new ArrayList<>();
    private final MessageDigest sha256;
    private final byte[] digest = new byte[32];
    private final ByteBuffer hash = ByteBuffer.wrap(digest);
    private long lastPosition = -1;
    /** Of the positions that are the latest: those in memory from here on, or the runs that are not at their end. */
    private int nextInMemory;
    private PriorityQueue<Run> latest;
    private long next;

    /**
     * Works in the folder of temporary files.
     *
     * @param memoryBytes what it may hold in memory; below a hundred kilobytes it takes somewhat more
     */
    LatestByKey(long memoryBytes) {
        this(Path.of(System.getProperty("java.io.tmpdir")), memoryBytes);
    }

    LatestByKey(Path folder, long memoryBytes) {
        this.folder = folder;
        this.memoryBytes = memoryBytes;
        // An eighth is for reading the file.
        slots = (int) Math.max(16, Math.min(Integer.MAX_VALUE / 4, memoryBytes / 8 * 7 / Long.BYTES) / LONGS - SLOTS_BEHIND);
        table = new long[(slots + SLOTS_BEHIND) * LONGS];
        try {
            sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Adds the next record.
     *
     * @param key      not null
     * @param position greater than the last one's, from 0
     * @throws UncheckedIOException if the temporary file cannot be written
     */
    void add(byte[] key, long position) {
        if (position <= lastPosition) {
            throw new IllegalArgumentException("Position " + position + " does not come behind " + lastPosition);
        }
        lastPosition = position;
        hash(key);
        long high = hash.getLong(0);
        long low = hash.getLong(8);
        // In the order of the hashes, which are spread evenly.
        int at = (int) ((high >>> 33) * slots >>> 31) * LONGS;
        while (table[at + 2] != 0) {
            if (table[at] == high && table[at + 1] == low) {
                table[at + 2] = position + 1;
                return;
            }
            at += LONGS;
        }
        table[at] = high;
        table[at + 1] = low;
        table[at + 2] = position + 1;
        count++;
        if (count > slots * 0.7 || at == table.length - 2 * LONGS) {
            spill();
        }
    }

    private void hash(byte[] key) {
        sha256.update(key);
        try {
            sha256.digest(digest, 0, digest.length);
        } catch (DigestException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Writes what is in memory to the file, in the order of the hashes. */
    private void spill() {
        int length = 0;
        for (int at = 0; at < table.length; at += LONGS) {
            if (table[at + 2] != 0) {
                insert(at, length);
                length += LONGS;
            }
        }
        write(length, LONGS);
        Arrays.fill(table, 0);
        count = 0;
    }

    /** Puts the entry at {@code from} among those before {@code length}, which are sorted; it belongs near their end. */
    private void insert(int from, int length) {
        long high = table[from];
        long low = table[from + 1];
        long position = table[from + 2];
        int to = length;
        while (to > 0 && compare(table[to - LONGS], table[to - LONGS + 1], high, low) > 0) {
            System.arraycopy(table, to - LONGS, table, to, LONGS);
            to -= LONGS;
        }
        table[to] = high;
        table[to + 1] = low;
        table[to + 2] = position;
    }

    private static int compare(long high, long low, long otherHigh, long otherLow) {
        int byHigh = Long.compareUnsigned(high, otherHigh);
        return byHigh != 0 ? byHigh : Long.compareUnsigned(low, otherLow);
    }

    private void write(int length, int longsOfEntry) {
        try {
            if (file == null) {
                Path path = Files.createTempFile(folder, "cistern-reload-", ".tmp");
                file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE,
                    StandardOpenOption.DELETE_ON_CLOSE);
            }
            Run run = new Run(file.size(), file.size() + (long) length * Long.BYTES, longsOfEntry);
            ByteBuffer buffer = ByteBuffer.allocate(MOST_BUFFER);
            long to = run.from;
            for (int at = 0; at < length;) {
                buffer.clear();
                int some = Math.min(length - at, buffer.capacity() / Long.BYTES);
                buffer.asLongBuffer().put(table, at, some);
                buffer.limit(some * Long.BYTES);
                at += some;
                while (buffer.hasRemaining()) {
                    to += file.write(buffer, to);
                }
            }
            runs.add(run);
        } catch (IOException e) {
            throw failure(e);
        }
    }

    private UncheckedIOException failure(IOException e) {
        return new UncheckedIOException("The temporary file in " + folder + " cannot be used: " + e, e);
    }

    /**
     * All are added.
     *
     * @throws UncheckedIOException if the temporary file cannot be written or read
     */
    void done() {
        lastPosition = -1;
        next = -1;
        if (runs.isEmpty()) {
            int positions = 0;
            for (int at = 2; at < table.length; at += LONGS) {
                if (table[at] != 0) {
                    table[positions++] = table[at] - 1;
                }
            }
            keepLatest(positions);
            return;
        }
        spill();
        List<Run> entries = new ArrayList<>(runs);
        runs.clear();
        int positions = mergeByHash(opened(entries, BY_HASH));
        if (runs.isEmpty()) {
            keepLatest(positions);
            return;
        }
        Arrays.sort(table, 0, positions);
        write(positions, 1);
        table = new long[0];
        latest = opened(runs, Comparator.comparingLong(run -> run.entry[0]));
    }

    private void keepLatest(int positions) {
        table = Arrays.copyOf(table, positions);
        Arrays.sort(table);
        count = positions;
    }

    /** Collects the greatest position of each hash: in the table, and where that is full, as sorted runs in the file. */
    private int mergeByHash(PriorityQueue<Run> open) {
        int positions = 0;
        long[] entry = new long[LONGS];
        while (!open.isEmpty()) {
            Run least = open.remove();
            // Of an equal hash the greatest position counts: the runs are in no order.
            if (entry[2] != 0 && entry[0] == least.entry[0] && entry[1] == least.entry[1]) {
                entry[2] = Math.max(entry[2], least.entry[2]);
            } else {
                if (entry[2] != 0) {
                    positions = collect(positions, entry[2] - 1);
                }
                System.arraycopy(least.entry, 0, entry, 0, LONGS);
            }
            if (least.advance()) {
                open.add(least);
            }
        }
        return collect(positions, entry[2] - 1);
    }

    private int collect(int positions, long position) {
        int length = positions;
        if (length == table.length) {
            Arrays.sort(table);
            write(length, 1);
            length = 0;
        }
        table[length] = position;
        return length + 1;
    }

    private PriorityQueue<Run> opened(List<Run> all, Comparator<Run> order) {
        long share = memoryBytes / 8 / all.size();
        PriorityQueue<Run> open = new PriorityQueue<>(order);
        for (Run run : all) {
            run.open((int) Math.max(LEAST_BUFFER, Math.min(MOST_BUFFER, share / 24 * 24)));
            if (run.advance()) {
                open.add(run);
            }
        }
        return open;
    }

    /**
     * Whether the record is the last one of its key.
     *
     * @param position greater than the one that was asked for before; one that was not added is none
     * @throws UncheckedIOException if the temporary file cannot be read
     */
    boolean isLatest(long position) {
        if (position <= lastPosition) {
            throw new IllegalArgumentException("Position " + position + " does not come behind " + lastPosition);
        }
        lastPosition = position;
        while (next < position && hasNext()) {
            next = takeNext();
        }
        return next == position;
    }

    private boolean hasNext() {
        return latest == null ? nextInMemory < count : !latest.isEmpty();
    }

    private long takeNext() {
        if (latest == null) {
            return table[nextInMemory++];
        }
        Run least = latest.remove();
        long position = least.entry[0];
        if (least.advance()) {
            latest.add(least);
        }
        return position;
    }

    /** Deletes the temporary file. */
    @Override
    public void close() {
        table = new long[0];
        count = 0;
        latest = null;
        try {
            if (file != null) {
                file.close();
            }
        } catch (IOException e) {
            throw failure(e);
        }
    }

    /** Sorted entries in a stretch of the file. */
    private final class Run {

        private final long from;
        private final long to;
        private final long[] entry;
        private long at;
        private ByteBuffer buffer;

        private Run(long from, long to, int longsOfEntry) {
            this.from = from;
            this.to = to;
            this.entry = new long[longsOfEntry];
            this.at = from;
        }

        private void open(int bufferBytes) {
            buffer = ByteBuffer.allocate((int) Math.min(bufferBytes, to - from)).limit(0);
        }

        /** Reads the next entry; false at the end. */
        private boolean advance() {
            if (!buffer.hasRemaining() && !fill()) {
                buffer = null;
                return false;
            }
            for (int i = 0; i < entry.length; i++) {
                entry[i] = buffer.getLong();
            }
            return true;
        }

        private boolean fill() {
            if (at == to) {
                return false;
            }
            buffer.clear().limit((int) Math.min(buffer.capacity(), to - at));
            try {
                while (buffer.hasRemaining()) {
                    int read = file.read(buffer, at);
                    if (read < 0) {
                        throw new IOException("it ends too early");
                    }
                    at += read;
                }
            } catch (IOException e) {
                throw failure(e);
            }
            buffer.flip();
            return true;
        }
    }
}
