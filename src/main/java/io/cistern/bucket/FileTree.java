package io.cistern.bucket;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
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
import java.util.UUID;
import org.apache.camel.Body;
import org.apache.camel.Variable;

/**
 * A folder as a bucket: what the {@code file} component cannot do, which is listing in order, reading from somewhere in a
 * file, and giving a name only if nobody else has it.
 */
public final class FileTree {

    /** Names held at a time while a folder is listed: a larger folder is looked through once more for each so many. */
    private static final int PAGE = 100_000;

    private final Path root;
    private final int pageSize;

    public FileTree(String root) {
        this(root, PAGE);
    }

    FileTree(String root, int pageSize) {
        this.pageSize = pageSize;
        this.root = Path.of(root).toAbsolutePath().normalize();
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
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(resolve(folder))) {
            for (Path entry : entries) {
                String name = entry.getFileName().toString();
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
            return List.of();
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        List<String> sorted = new ArrayList<>(least);
        Collections.sort(sorted);
        return sorted;
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
        return path.substring(0, path.lastIndexOf('/') + 1) + ".writing-" + UUID.randomUUID();
    }

    /**
     * Gives a file its name, which must not be there, and lets it be on the disk under it.
     *
     * @throws FileAlreadyExistsException if there is one of this name; the file is deleted then
     */
    public void publish(@Variable("temporary") String temporary, @Variable("path") String path) throws IOException {
        Path written = resolve(temporary);
        try {
            linkOrMove(written, resolve(path));
        } catch (FileAlreadyExistsException e) {
            throw new FileAlreadyExistsException(path);
        } finally {
            Files.deleteIfExists(written);
        }
        try (FileChannel folder = FileChannel.open(written.getParent(), StandardOpenOption.READ)) {
            folder.force(true);
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
        Path resolved = root.resolve(path).normalize();
        if (!resolved.startsWith(root)) {
            throw new IllegalArgumentException("A path outside of the bucket");
        }
        return resolved;
    }
}
