package io.cistern.testing;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The instructions of {@code docker/Dockerfile}, stage by stage, as a builder of images reads them. */
public final class Dockerfile {

    private static final Path FILE = Path.of("docker", "Dockerfile");

    /** One line of a stage, its continuations joined. */
    public record Instruction(String keyword, String text) {
    }

    private final Map<String, String> arguments = new LinkedHashMap<>();
    private final List<List<Instruction>> stages = new ArrayList<>();

    public Dockerfile() {
        try {
            String joined = Files.readAllLines(FILE).stream().filter(line -> !line.startsWith("#"))
                .reduce("", (text, line) -> text + line + "\n").replaceAll("\\s*\\\\\\n\\s*", " ");
            joined.lines().filter(line -> !line.isBlank()).forEach(line -> {
                String[] words = line.strip().split("\\s+", 2);
                Instruction instruction = new Instruction(words[0], words[1]);
                if (instruction.keyword.equals("FROM")) {
                    stages.add(new ArrayList<>());
                }
                if (stages.isEmpty()) {
                    String[] argument = instruction.text.split("=", 2);
                    arguments.put(argument[0], argument[1]);
                } else {
                    stages.get(stages.size() - 1).add(instruction);
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the stages begin with, the arguments' defaults put in. */
    public List<String> bases() {
        return stages.stream().map(stage -> resolved(stage.get(0).text).split("\\s+")[0]).toList();
    }

    /** The names that stages have. */
    public List<String> names() {
        return stages.stream().map(stage -> stage.get(0).text).filter(text -> text.contains(" AS "))
            .map(text -> text.substring(text.indexOf(" AS ") + 4)).toList();
    }

    /** Copied files as pairs of source and target, of those instructions that copy from that stage; null: the context. */
    public List<String[]> copies(String stage, String from) {
        String option = from == null ? "" : "--from=" + from + " ";
        return stage(stage).filter(instruction -> instruction.keyword.equals("COPY"))
            .map(Instruction::text).filter(text -> from == null ? !text.startsWith("--") : text.startsWith(option))
            .map(text -> text.substring(option.length()).split("\\s+"))
            .flatMap(words -> Stream.of(words).limit(words.length - 1L)
                .map(source -> new String[] {source, words[words.length - 1]})).toList();
    }

    /** All instructions of a stage; null is the last one, which is the image. */
    public Stream<Instruction> stage(String name) {
        return (name == null ? stages.get(stages.size() - 1) : stages.get(indexOf(name))).stream();
    }

    private int indexOf(String name) {
        for (int i = 0; i < stages.size(); i++) {
            if (stages.get(i).get(0).text.endsWith(" AS " + name)) {
                return i;
            }
        }
        throw new AssertionError("There is no stage " + name);
    }

    /** The one instruction of this keyword in a stage. */
    public String only(String stage, String keyword) {
        List<String> found = stage(stage).filter(instruction -> instruction.keyword.equals(keyword))
            .map(Instruction::text).toList();
        if (found.size() != 1) {
            throw new AssertionError("Expected one " + keyword + " in stage " + stage + ": " + found);
        }
        return found.get(0);
    }

    /** What processes of the image have in their environment by it. */
    public Map<String, String> environment() {
        Map<String, String> environment = new LinkedHashMap<>();
        stage(null).filter(instruction -> instruction.keyword.equals("ENV")).forEach(instruction -> {
            Matcher matcher = Pattern.compile("(\\w+)=(?:\"([^\"]*)\"|(\\S+))").matcher(instruction.text);
            while (matcher.find()) {
                environment.put(matcher.group(1), matcher.group(2) == null ? matcher.group(3) : matcher.group(2));
            }
        });
        return environment;
    }

    /** A command in exec form, the JSON of it. */
    public static List<String> command(String text) {
        try {
            return List.of(new ObjectMapper().readValue(text.substring(text.indexOf('[')), String[].class));
        } catch (JsonProcessingException e) {
            throw new AssertionError("No command in exec form: " + text, e);
        }
    }

    private String resolved(String text) {
        String resolved = text;
        for (Map.Entry<String, String> argument : arguments.entrySet()) {
            resolved = resolved.replace("${" + argument.getKey() + "}", argument.getValue());
        }
        return resolved;
    }
}
