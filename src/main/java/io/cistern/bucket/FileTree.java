package io.cistern.bucket;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.PriorityQueue;
import java.util.Queue;
import org.apache.camel.Variable;

/**
 * A folder as a bucket: what the {@code file} component cannot do, which is listing in order, and reading as a stream.
 * Names that start with a dot are not listed in the folders of batch files: files being written have them.
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
     * The names of the files directly in a folder, behind {@code after}, in the order of their characters.
     *
     * @param after a name, or null for all
     * @throws UncheckedIOException if the folder cannot be read; one that is not there is empty
     */
    public Iterator<String> list(@Variable("folder") String folder, @Variable("after") String after) {
        return new Listing(resolve(folder), after == null ? "" : after, pageSize);
    }

    /**
     * The bytes of a file.
     *
     * @throws NoSuchFileException if there is none
     */
    public InputStream open(@Variable("path") String path) throws IOException {
        Path file = resolve(path);
        if (!Files.isRegularFile(file)) {
            throw new NoSuchFileException(path);
        }
        return Files.newInputStream(file);
    }

    /** Whether there is such a file. */
    public boolean exists(@Variable("path") String path) {
        return Files.isRegularFile(resolve(path));
    }

    /** The folders that hold files, with slashes between their names, in order. */
    public List<String> folders() throws IOException {
        List<String> folders = new ArrayList<>();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) throws IOException {
                if (folder.equals(root)) {
                    return FileVisitResult.CONTINUE;
                }
                if (folder.getFileName().toString().startsWith(".")) {
                    return FileVisitResult.SKIP_SUBTREE;
                }
                if (new Listing(folder, "", 1).hasNext()) {
                    folders.add(root.relativize(folder).toString().replace('\\', '/'));
                }
                return FileVisitResult.CONTINUE;
            }
        });
        Collections.sort(folders);
        return folders;
    }

    /**
     * Whether the folder can be used as the bucket.
     *
     * @throws IOException if not; the message says why
     */
    public void check(@Variable("write") boolean write) throws IOException {
        checkIsThere();
        if (!Files.isReadable(root)) {
            throw new IOException(root + " cannot be read");
        }
        if (write) {
            Path probe = Files.createTempFile(root, ".probe-", "");
            Files.delete(probe);
        }
    }

    /**
     * Whether the folder is there: one that went away, as a volume may, must not be made anew in its place.
     *
     * @throws NotDirectoryException if it is not
     */
    public void checkIsThere() throws NotDirectoryException {
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

    /** Reads a folder page by page, since a file system gives its names in no order. */
    private static final class Listing implements Iterator<String> {

        private final Path folder;
        private final int pageSize;
        private final Queue<String> page = new ArrayDeque<>();
        private String last;
        private boolean ended;

        private Listing(Path folder, String after, int pageSize) {
            this.folder = folder;
            this.last = after;
            this.pageSize = pageSize;
        }

        @Override
        public boolean hasNext() {
            if (page.isEmpty() && !ended) {
                readPage();
            }
            return !page.isEmpty();
        }

        @Override
        public String next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return page.remove();
        }

        private void readPage() {
            PriorityQueue<String> least = new PriorityQueue<>(Collections.reverseOrder());
            boolean more = false;
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
                for (Path entry : entries) {
                    String name = entry.getFileName().toString();
                    if (name.startsWith(".") || name.compareTo(last) <= 0
                        || least.size() == pageSize && name.compareTo(least.peek()) > 0) {
                        more |= least.size() == pageSize;
                        continue;
                    }
                    if (!Files.isRegularFile(entry)) {
                        continue;
                    }
                    least.add(name);
                    if (least.size() > pageSize) {
                        least.remove();
                        more = true;
                    }
                }
            } catch (NoSuchFileException | NotDirectoryException e) {
                more = false;
            } catch (DirectoryIteratorException e) {
                throw new UncheckedIOException(e.getCause());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            List<String> sorted = new ArrayList<>(least);
            Collections.sort(sorted);
            page.addAll(sorted);
            ended = !more;
            if (!sorted.isEmpty()) {
                last = sorted.get(sorted.size() - 1);
            }
        }
    }
}
