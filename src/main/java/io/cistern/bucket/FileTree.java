package io.cistern.bucket;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Body;
import org.apache.camel.Variable;

/**
 * A folder as a bucket: what the {@code file} component cannot do, which is listing in order, reading from somewhere in a
 * file, and giving a name only if nobody else has it.
 */
public final class FileTree {

    /** Names held at a time while a folder is listed: a larger folder is looked through once more for each so many. */
    private static final int PAGE = 100_000;

    /** Bytes of a name that file systems permit. */
    private static final int LONGEST_NAME = 255;
    /** A longer name, as of a topic of 249 characters, is divided after so many characters: into a folder in this one and a file. */
    private static final String LONG_NAMES = ".long";
    private static final int HEAD = 100;

    /** Writes the entries of a folder to the disk. */
    interface Forcing {

        void force(Path folder) throws IOException;
    }

    private final Path root;
    private final int pageSize;
    private final Forcing forcing;
    /** Folders whose own entries, up to the bucket's, this process has written to the disk. */
    private final Set<Path> durable = ConcurrentHashMap.newKeySet();

    public FileTree(String root) {
        this(root, PAGE);
    }

    FileTree(String root, int pageSize) {
        this(root, pageSize, FileTree::force);
    }

    FileTree(String root, int pageSize, Forcing forcing) {
        this.pageSize = pageSize;
        this.root = Path.of(root).toAbsolutePath().normalize();
        this.forcing = forcing;
    }

    private static void force(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /**
     * What is directly in a folder, in the order of its characters, folders with a slash behind their names. A file system
     * gives its names in no order: a folder of more than a page is looked through once for each page.
     *
     * @param after a name behind which it starts, or null
     * @param page  what {@link #nextPage} gave, or null for the first page
     * @throws NotDirectoryException if the bucket itself is not there; a folder that is not there is empty
     */
    public List<String> list(@Variable("folder") String folder, @Variable("after") String after,
                             @Variable("page") String page) throws IOException {
        checkIsThere();
        String last = page != null ? page : after == null ? "" : after;
        PriorityQueue<String> least = new PriorityQueue<>(Collections.reverseOrder());
        Path listed = resolve(folder);
        collect(listed, "", last, least);
        Path longNames = listed.resolve(LONG_NAMES);
        if (Files.isDirectory(longNames)) {
            try (DirectoryStream<Path> heads = Files.newDirectoryStream(longNames)) {
                for (Path head : heads) {
                    collect(head, head.getFileName().toString(), last, least);
                }
            } catch (DirectoryIteratorException e) {
                throw e.getCause();
            }
        }
        List<String> sorted = new ArrayList<>(least);
        Collections.sort(sorted);
        return sorted;
    }

    /** Adds the names of a folder, each with {@code head} before it, and keeps those that sort first. */
    private void collect(Path folder, String head, String last, PriorityQueue<String> least) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            for (Path entry : entries) {
                String name = head + entry.getFileName();
                if ((name + '/').compareTo(last) <= 0 || least.size() == pageSize && name.compareTo(least.peek()) > 0) {
                    continue;
                }
                name = Files.isDirectory(entry) ? name + '/' : name;
                if (name.compareTo(last) > 0) {
                    least.add(name);
                }
                if (least.size() > pageSize) {
                    least.remove();
                }
            }
        } catch (NoSuchFileException | NotDirectoryException e) {
            // A folder that is not there is empty.
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
    }

    /** What the next page starts behind, after the page {@code names}; null if that was the last one. */
    public String nextPage(@Body List<String> names) {
        return names.size() < pageSize ? null : names.get(names.size() - 1);
    }

    /**
     * The bytes of a file from a byte on.
     *
     * @param from counted from 0
     * @throws NoSuchFileException if there is no such file
     */
    public InputStream open(@Variable("path") String path, @Variable("from") long from) throws IOException {
        InputStream in = Files.newInputStream(file(path));
        in.skipNBytes(from);
        return in;
    }

    /**
     * Bytes of a file.
     *
     * @throws NoSuchFileException if there is no such file
     */
    public long size(@Variable("path") String path) throws IOException {
        return Files.size(file(path));
    }

    private Path file(String path) throws IOException {
        checkIsThere();
        Path file = resolve(path);
        if (!Files.isRegularFile(file)) {
            throw new NoSuchFileException(path);
        }
        return file;
    }

    /** A path beside {@code path} under which it can be written until it is whole. */
    public String temporary(@Variable("path") String path) {
        Path folder = resolve(path).getParent();
        if (!Files.isDirectory(folder)) {
            // It was deleted, if it was there before, and is created again.
            durable.remove(folder);
        }
        return path.substring(0, path.lastIndexOf('/') + 1) + ".writing-" + UUID.randomUUID();
    }

    /**
     * Gives a file its name, which must not be there, and lets it be on the disk under it.
     *
     * @throws FileAlreadyExistsException if there is one of this name; the file is deleted then
     */
    public void publish(@Variable("temporary") String temporary, @Variable("path") String path) throws IOException {
        Path written = resolve(temporary);
        Path file = resolve(path);
        try {
            Files.createDirectories(file.getParent());
            linkOrMove(written, file);
        } catch (FileAlreadyExistsException e) {
            throw new FileAlreadyExistsException(path);
        } finally {
            Files.deleteIfExists(written);
        }
        forcing.force(file.getParent());
        forceEntriesOf(file.getParent());
    }

    /** A folder that was created for a file is on the disk only with its own entry in the folder above it. */
    private void forceEntriesOf(Path folder) throws IOException {
        if (folder.equals(root) || durable.contains(folder)) {
            return;
        }
        for (Path above = folder.getParent(); above.startsWith(root); above = above.getParent()) {
            forcing.force(above);
        }
        if (!folder.getParent().endsWith(LONG_NAMES)) {
            // Of those there may be one for each file.
            durable.add(folder);
        }
    }

    /** Deletes a file; does nothing if it does not exist. */
    public void delete(@Variable("path") String path) throws IOException {
        Files.deleteIfExists(resolve(path));
    }

    private static void linkOrMove(Path from, Path to) throws IOException {
        try {
            // Unlike a move, a link never takes the place of a file that another process wrote meanwhile.
            Files.createLink(to, from);
        } catch (FileAlreadyExistsException e) {
            throw e;
        } catch (UnsupportedOperationException | FileSystemException e) {
            // There are file systems without links.
            Files.move(from, to);
        }
    }

    /**
     * Whether the folder is there, and can be written to: one that went away, as a volume may, must not be made anew in its
     * place.
     *
     * @throws IOException if not; the message says why
     */
    public void checkIsWritable() throws IOException {
        checkIsThere();
        if (!Files.isWritable(root)) {
            throw new AccessDeniedException(root + " cannot be written to");
        }
    }

    private void checkIsThere() throws NotDirectoryException {
        if (!Files.isDirectory(root)) {
            throw new NotDirectoryException(root + " is no folder; create it first");
        }
    }

    private Path resolve(String path) {
        int nameAt = path.lastIndexOf('/') + 1;
        String name = path.substring(nameAt);
        Path resolved = root.resolve(name.getBytes(StandardCharsets.UTF_8).length <= LONGEST_NAME ? path
            : path.substring(0, nameAt) + LONG_NAMES + '/' + name.substring(0, HEAD) + '/' + name.substring(HEAD)).normalize();
        if (!resolved.startsWith(root)) {
            throw new IllegalArgumentException("A path outside of the bucket");
        }
        return resolved;
    }
}
