package io.cistern.bucket;

import io.cistern.testing.Markdown;
import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The contract with the backend that the documentation writes as an example: an SFTP server. */
class SftpBucketTest extends BucketContract {

    @TempDir
    private static Path folder;

    @BeforeAll
    static void writeTheFile() throws IOException {
        Files.writeString(folder.resolve("sftp.camel.yaml"), Markdown.yamlBehind("docs/extending.md", "## A store of your own"));
    }

    @Override
    TestStore store() {
        return TestStores.of("sftp");
    }

    @Override
    String backends() {
        return "file:" + folder;
    }

    @Override
    String missingBucket() {
        return "there is no folder /contract-.*-missing; create it first";
    }
}
