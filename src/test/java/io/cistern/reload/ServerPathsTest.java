package io.cistern.reload;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServerPathsTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "FileSystemException: /srv/bucket/xx/yy: File name too long | FileSystemException: (path): File name too long",
        "Failed to load '/etc/keys/store.p12' of file:///etc/x | Failed to load '(path)' of (path)",
        "bucket list orders/2022: AccessDenied | bucket list orders/2022: AccessDenied",
        "no answer of http://store:9000/bucket/orders | no answer of http://store:9000/bucket/orders",
        "either / or | either / or"})
    void hidesAbsolutePaths(String message, String hidden) {
        assertThat(ServerPaths.hide(message)).isEqualTo(hidden);
    }
}
