package io.cistern.bucket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FileTreeTest {

    @TempDir
    private Path root;
    private FileTree tree;

    @BeforeEach
    void openTheTree() {
        tree = new FileTree(root.toString());
    }

    private void write(String... paths) throws IOException {
        for (String path : paths) {
            Path file = root.resolve(path);
            Files.createDirectories(file.getParent());
            Files.writeString(file, path);
        }
    }

    /** All pages of a listing behind each other. */
    private static List<String> all(FileTree tree, String folder, String after) throws IOException {
        List<String> all = new ArrayList<>();
        String page = null;
        do {
            List<String> names = tree.list(folder, after, page);
            all.addAll(names);
            assertThat(all).as("names that do not end").hasSizeLessThan(1000);
            page = tree.nextPage(names);
        } while (page != null);
        return all;
    }

    @Test
    void listsTheFilesOfAFolderInTheOrderOfTheirCharacters() throws IOException {
        write("orders/b.txt", "orders/a.txt", "orders/a", "orders/B.txt", "orders/10.txt", "orders/9.txt", "orders/+1.txt",
            "orders/é", "orders/.writing-c.txt", "orders/nested/d.txt", "other/e.txt");

        assertThat(all(tree, "orders", null)).containsExactly("+1.txt", ".writing-c.txt", "10.txt", "9.txt", "B.txt", "a",
            "a.txt", "b.txt", "nested/", "é");
        assertThat(all(tree, "orders/nested", null)).containsExactly("d.txt");
    }

    @Test
    void listsWhatIsBehindAName() throws IOException {
        write("orders/a.txt", "orders/b.txt", "orders/c.txt");

        assertThat(all(tree, "orders", "a.txt")).containsExactly("b.txt", "c.txt");
        assertThat(all(tree, "orders", "aa")).containsExactly("b.txt", "c.txt");
        assertThat(all(tree, "orders", "c.txt")).isEmpty();
        assertThat(all(tree, "orders", "")).hasSize(3);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void listsPageByPageWhateverThePagesSize(boolean othersBetween) throws IOException {
        // Given
        List<String> names = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            names.add(i + ".txt");
            write("orders/" + i + ".txt");
            if (othersBetween) {
                write("orders/" + i + "/nested.txt");
                names.add(i + "/");
            }
        }
        Collections.sort(names);

        for (int pageSize = 1; pageSize <= names.size() + 2; pageSize++) {
            // When
            FileTree paged = new FileTree(root.toString(), pageSize);

            // Then
            assertThat(all(paged, "orders", null)).isEqualTo(names);
            String after = names.get(pageSize % names.size());
            assertThat(all(paged, "orders", after)).isEqualTo(names.subList(names.indexOf(after) + 1, names.size()));
        }
    }

    @Test
    void listsAFolderThatIsNotThereAsEmpty() throws IOException {
        write("orders/a.txt");

        assertThat(all(tree, "missing", null)).isEmpty();
        assertThat(all(tree, "orders/a.txt", null)).isEmpty();
    }

    @Test
    void opensAFileAndTellsWhenThereIsNone() throws IOException {
        write("orders/a.txt", "orders/b ${body}.txt");

        for (int from : new int[] {0, 3, 12}) {
            try (InputStream in = tree.open("orders/a.txt", from)) {
                assertThat(new String(in.readAllBytes(), StandardCharsets.UTF_8)).isEqualTo("orders/a.txt".substring(from));
            }
        }
        assertThat(tree.size("orders/b ${body}.txt")).isEqualTo(20);
        for (String missing : List.of("orders/c.txt", "orders", "missing/a.txt", "orders/a.txt/b.txt")) {
            assertThatThrownBy(() -> tree.size(missing)).isInstanceOf(NoSuchFileException.class).hasMessage(missing);
            assertThatThrownBy(() -> tree.open(missing, 0)).isInstanceOf(NoSuchFileException.class).hasMessage(missing);
        }
    }

    @Test
    void givesANameToOneOfManyOnly() throws IOException {
        List<String> temporary = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            temporary.add(tree.temporary("orders/a.txt"));
            write(temporary.get(i));
        }

        tree.publish(temporary.get(1), "orders/a.txt");
        for (int other : new int[] {0, 2}) {
            assertThatThrownBy(() -> tree.publish(temporary.get(other), "orders/a.txt"))
                .isInstanceOf(FileAlreadyExistsException.class).hasMessage("orders/a.txt");
        }

        assertThat(all(tree, "orders", null)).containsExactly("a.txt");
        assertThat(root.resolve("orders/a.txt")).hasContent(temporary.get(1));
    }

    @Test
    void refusesPathsOutsideOfTheBucket() throws IOException {
        Path secret = Files.writeString(root.resolveSibling(root.getFileName() + "-secret.txt"), "secret");
        try {
            for (String outside : List.of("../" + secret.getFileName(), "orders/../../" + secret.getFileName(),
                secret.toString(), "..", "/")) {
                assertThatThrownBy(() -> tree.open(outside, 0)).isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> tree.size(outside)).isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> tree.list(outside, null, null)).isInstanceOf(IllegalArgumentException.class);
            }
        } finally {
            Files.delete(secret);
        }
    }

    @Test
    void saysWhetherTheFolderCanBeUsed() throws IOException {
        tree.checkIsWritable();
        assertThat(root).isEmptyDirectory();

        FileTree missing = new FileTree(root.resolve("missing").toString());
        String reason = root.resolve("missing") + " is no folder; create it first";
        assertThatThrownBy(missing::checkIsWritable).isInstanceOf(IOException.class).hasMessage(reason);
        assertThatThrownBy(() -> missing.list("orders", null, null)).isInstanceOf(IOException.class).hasMessage(reason);
        assertThatThrownBy(() -> missing.size("orders/a.txt")).isInstanceOf(IOException.class).hasMessage(reason);
    }

    @Test
    void holdsNamesThatAreLongerThanFileSystemsPermit() throws IOException {
        // Given names as of a topic of 249 characters, between others
        List<String> names = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            String name = "2022-11-14T13:26:3" + i + ".728Z_" + "t".repeat(249) + "_0_" + i + "_1668432398047.txt.zst";
            put("orders/" + name, "long" + i);
            names.add(name);
            put("orders/2022-11-14T13:26:3" + i + ".000Z_short_0_0_1668432398047.txt", "short");
            names.add("2022-11-14T13:26:3" + i + ".000Z_short_0_0_1668432398047.txt");
        }
        Collections.sort(names);

        // Then
        List<String> expected = new ArrayList<>(List.of(".long/"));
        expected.addAll(names);
        for (int pageSize = 1; pageSize < 12; pageSize++) {
            FileTree paged = new FileTree(root.toString(), pageSize);
            assertThat(all(paged, "orders", null)).isEqualTo(expected);
            assertThat(all(paged, "orders", names.get(3))).isEqualTo(names.subList(4, names.size()));
        }
        String name = names.get(1);
        assertThat(name).hasSizeGreaterThan(255);
        try (InputStream in = tree.open("orders/" + name, 0)) {
            assertThat(new String(in.readAllBytes(), StandardCharsets.UTF_8)).isEqualTo("long0");
        }
        assertThat(tree.size("orders/" + name)).isEqualTo(5);
        assertThatThrownBy(() -> put("orders/" + name, "again")).isInstanceOf(FileAlreadyExistsException.class)
            .hasMessage("orders/" + name);
        tree.delete("orders/" + name);
        assertThat(all(tree, "orders", null)).doesNotContain(name).hasSize(10);
    }

    @Test
    void writesTheEntriesOfNewFoldersToTheDisk() throws IOException {
        List<Path> forced = new ArrayList<>();
        tree = new FileTree(root.toString(), 100, folder -> {
            assertThat(folder).isDirectory();
            forced.add(root.relativize(folder));
        });

        put("in/eu/orders/a.txt", "a");
        assertThat(forced).containsExactly(Path.of("in/eu/orders"), Path.of("in/eu"), Path.of("in"), Path.of(""));
        // Once they are there, only the folder itself changes
        forced.clear();
        put("in/eu/orders/b.txt", "b");
        assertThat(forced).containsExactly(Path.of("in/eu/orders"));
        // A folder that was deleted is created again
        forced.clear();
        Files.delete(root.resolve("in/eu/orders/a.txt"));
        Files.delete(root.resolve("in/eu/orders/b.txt"));
        Files.delete(root.resolve("in/eu/orders"));
        put("in/eu/orders/c.txt", "c");
        assertThat(forced).containsExactly(Path.of("in/eu/orders"), Path.of("in/eu"), Path.of("in"), Path.of(""));
        forced.clear();
        put("at-the-root.txt", "d");
        assertThat(forced).containsExactly(Path.of(""));
    }

    /** As the backend's route does it. */
    private void put(String path, String text) throws IOException {
        String temporary = tree.temporary(path);
        write(temporary);
        Files.writeString(root.resolve(temporary), text);
        tree.publish(temporary, path);
    }
}
