package io.cistern.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A page of the documentation: its blocks, and what it links to.
 *
 * @param path    from the repository's root
 * @param blocks  the fenced blocks, in their order
 * @param links   what is linked to or shown, outside of blocks
 * @param anchors what links to the page's headings may name
 */
public record Markdown(Path path, List<Block> blocks, List<Link> links, List<String> anchors) {

    /**
     * What stands between two fences.
     *
     * @param page     the page
     * @param line     where it starts, from 1 on
     * @param heading  the heading before it, as it is written; empty if there is none
     * @param language what is written behind the opening fence; may be empty
     */
    public record Block(Path page, int line, String heading, String language, String text) {

        @Override
        public String toString() {
            return page + ":" + line;
        }
    }

    /** A link, or a picture's address, and the line that it is in. */
    public record Link(int line, String target) {
    }

    private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
    private static final Pattern CODE = Pattern.compile("`[^`]*`");

    /** The pages of the repository: those of its root, of {@code docs/} and of {@code docker/}. */
    public static List<Markdown> pages() {
        List<Markdown> pages = new ArrayList<>();
        try (Stream<Path> root = Files.list(Path.of(""))) {
            root.filter(Markdown::isPage).sorted().forEach(page -> pages.add(read(page)));
            for (Path folder : List.of(Path.of("docs"), Path.of("docker"))) {
                if (Files.isDirectory(folder)) {
                    try (Stream<Path> files = Files.walk(folder)) {
                        files.filter(Markdown::isPage).sorted().forEach(page -> pages.add(read(page)));
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return pages;
    }

    public static Markdown read(Path page) {
        try {
            return parse(page, Files.readAllLines(page));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The first YAML block behind a heading of a page. */
    public static String yamlBehind(String page, String heading) {
        return read(Path.of(page)).blocks.stream()
            .filter(block -> block.heading.equals(heading) && block.language.equals("yaml")).findFirst()
            .orElseThrow(() -> new AssertionError("No YAML behind " + heading + " of " + page)).text;
    }

    private static Markdown parse(Path page, List<String> lines) {
        Markdown parsed = new Markdown(page, new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        Map<String, Integer> headings = new HashMap<>();
        String heading = "";
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (line.stripLeading().startsWith("```")) {
                int start = i;
                int indent = line.indexOf('`');
                StringBuilder text = new StringBuilder();
                for (i++; !lines.get(i).strip().equals("```"); i++) {
                    text.append(lines.get(i).substring(Math.min(indent, lines.get(i).length()))).append('\n');
                }
                parsed.blocks.add(new Block(page, start + 1, heading, line.strip().substring(3), text.toString()));
                continue;
            }
            if (line.matches("#{1,6} .*")) {
                heading = line;
                String anchor = anchor(line);
                int before = headings.merge(anchor, 1, Integer::sum) - 1;
                parsed.anchors.add(before == 0 ? anchor : anchor + "-" + before);
            }
            for (Matcher link = LINK.matcher(CODE.matcher(line).replaceAll("code")); link.find();) {
                parsed.links.add(new Link(i + 1, link.group(1)));
            }
        }
        return parsed;
    }

    /** As hosts of repositories make it of a heading: letters, digits, hyphens and underscores. */
    private static String anchor(String heading) {
        return heading.replaceFirst("#+ ", "").toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N}_ -]", "").replace(' ', '-');
    }

    private static boolean isPage(Path file) {
        return file.toString().endsWith(".md");
    }
}
