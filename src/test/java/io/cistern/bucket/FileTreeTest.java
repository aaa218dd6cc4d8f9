package io.cistern.bucket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
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

    private static List<String> all(Iterator<String> names) {
        List<String> all = new ArrayList<>();
        names.forEachRemaining(name -> {
            all.add(name);
            assertThat(all).as("names that do not end").hasSizeLessThan(1000);
        });
        assertThat(names.hasNext()).isFalse();
        assertThatThrownBy(names::next).isInstanceOf(NoSuchElementException.class);
        return all;
    }

    @Test
    void listsTheFilesOfAFolderInTheOrderOfTheirCharacters() throws IOException {
        write("orders/b.txt", "orders/a.txt", "orders/a", "orders/B.txt", "orders/10.txt", "orders/9.txt", "orders/+1.txt",
            "orders/é", "orders/.writing-c.txt", "orders/nested/d.txt", "other/e.txt");

        assertThat(all(tree.list("orders", null)))
            .containsExactly("+1.txt", "10.txt", "9.txt", "B.txt", "a", "a.txt", "b.txt", "é");
        assertThat(all(tree.list("orders/nested", null))).containsExactly("d.txt");
    }

    @Test
    void listsWhatIsBehindAName() throws IOException {
        write("orders/a.txt", "orders/b.txt", "orders/c.txt");

        assertThat(all(tree.list("orders", "a.txt"))).containsExactly("b.txt", "c.txt");
        assertThat(all(tree.list("orders", "aa"))).containsExactly("b.txt", "c.txt");
        assertThat(all(tree.list("orders", "c.txt"))).isEmpty();
        assertThat(all(tree.list("orders", ""))).hasSize(3);
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
                write("orders/." + i, "orders/" + i + "/nested.txt");
            }
        }
        Collections.sort(names);

        for (int pageSize = 1; pageSize <= 26; pageSize++) {
            // When
            FileTree paged = new FileTree(root.toString(), pageSize);

            // Then
            assertThat(all(paged.list("orders", null))).isEqualTo(names);
            String after = names.get(pageSize % 24);
            assertThat(all(paged.list("orders", after))).isEqualTo(names.subList(names.indexOf(after) + 1, 24));
        }
    }

    @Test
    void listsAFolderThatIsNotThereAsEmpty() throws IOException {
        write("orders/a.txt");

        assertThat(all(tree.list("missing", null))).isEmpty();
        assertThat(all(tree.list("orders/a.txt", null))).isEmpty();
    }

    @Test
    void findsTheFoldersThatHoldFilesAndHidesItsOwn() throws IOException {
        write("orders/a.txt", "in/eu/a.txt", "in/us/a.txt", "deep/1/2/a.txt", ".cistern/orders/a.facts", "eu/.hidden/a.txt",
            "writing/.writing-a.txt", "at-the-root.txt");
        Files.createDirectory(root.resolve("empty"));

        assertThat(tree.folders()).containsExactly("deep/1/2", "in/eu", "in/us", "orders");
    }

    @Test
    void opensAFileAndTellsWhenThereIsNone() throws IOException {
        write("orders/a.txt", "orders/b ${body}.txt");

        try (InputStream in = tree.open("orders/a.txt")) {
            assertThat(new String(in.readAllBytes(), StandardCharsets.UTF_8)).isEqualTo("orders/a.txt");
        }
        assertThat(tree.exists("orders/a.txt")).isTrue();
        assertThat(tree.exists("orders/b ${body}.txt")).isTrue();
        for (String missing : List.of("orders/c.txt", "orders", "missing/a.txt", "orders/a.txt/b.txt")) {
            assertThat(tree.exists(missing)).isFalse();
            assertThatThrownBy(() -> tree.open(missing)).isInstanceOf(NoSuchFileException.class).hasMessage(missing);
        }
    }

    @Test
    void refusesPathsOutsideOfTheBucket() throws IOException {
        Path secret = Files.writeString(root.resolveSibling(root.getFileName() + "-secret.txt"), "secret");
        try {
            for (String outside : List.of("../" + secret.getFileName(), "orders/../../" + secret.getFileName(),
                secret.toString(), "..", "/")) {
                assertThatThrownBy(() -> tree.open(outside)).isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> tree.exists(outside)).isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> tree.list(outside, null)).isInstanceOf(IllegalArgumentException.class);
            }
        } finally {
            Files.delete(secret);
        }
    }

    @Test
    void saysWhetherTheFolderCanBeUsed() throws IOException {
        tree.check(true);
        assertThat(root).isEmptyDirectory();

        String missing = root.resolve("missing").toString();
        assertThatThrownBy(() -> new FileTree(missing).check(false)).isInstanceOf(IOException.class)
            .hasMessage(missing + " is no folder; create it first");
    }
}
