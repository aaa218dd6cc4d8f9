package io.cistern.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.springframework.util.FileSystemUtils;

/** The routes in another folder, as a user has them who edits them. */
public final class RoutesCopy {

    private RoutesCopy() {
    }

    /**
     * Copies all of them, one file edited.
     *
     * @param folder gets a folder {@code routes}
     * @param file   below it
     * @param edit   must change something
     * @return the copy
     */
    public static Path edited(Path folder, String file, UnaryOperator<String> edit) throws IOException {
        Path routes = folder.resolve("routes");
        FileSystemUtils.copyRecursively(Path.of("routes"), routes);
        String yaml = Files.readString(routes.resolve(file));
        String edited = edit.apply(yaml);
        assertThat(edited).isNotEqualTo(yaml);
        Files.writeString(routes.resolve(file), edited);
        return routes;
    }
}
