package io.cistern.docs;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.utils.Exit;

/** Kafka's own commands, in this process. */
final class KafkaTools {

    private record Tool(String main, String options) {
    }

    /** A command ended by itself. */
    private static final class Ended extends RuntimeException {
    }

    private static final Map<String, Tool> TOOLS = Map.of(
        "kafka-topics.sh", new Tool("org.apache.kafka.tools.TopicCommand",
            "org.apache.kafka.tools.TopicCommand$TopicCommandOptions"),
        "kafka-consumer-groups.sh", new Tool("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
            "org.apache.kafka.tools.consumer.group.ConsumerGroupCommandOptions"),
        "kafka-configs.sh", new Tool("kafka.admin.ConfigCommand", "kafka.admin.ConfigCommand$ConfigCommandOptions"),
        "kafka-acls.sh", new Tool("kafka.admin.AclCommand", "kafka.admin.AclCommand$AclCommandOptions"),
        "kafka-console-consumer.sh", new Tool("org.apache.kafka.tools.consumer.ConsoleConsumer",
            "org.apache.kafka.tools.consumer.ConsoleConsumerOptions"));

    private KafkaTools() {
    }

    static boolean know(String command) {
        return TOOLS.containsKey(command);
    }

    /** Reads a command's words with the parser of the tool itself; what is wrong with them is thrown. */
    static void parse(List<String> words) throws Exception {
        Constructor<?> options = Class.forName(TOOLS.get(words.get(0)).options).getDeclaredConstructor(String[].class);
        options.setAccessible(true);
        String printed = withoutExit(() -> options.newInstance((Object) arguments(words)));
        if (printed.contains("Error")) {
            throw new IllegalArgumentException(printed);
        }
    }

    /** Runs a command; returns what it has printed. */
    static String run(List<String> words) throws Exception {
        return withoutExit(() -> Class.forName(TOOLS.get(words.get(0)).main).getMethod("main", String[].class)
            .invoke(null, (Object) arguments(words)));
    }

    private static String[] arguments(List<String> words) {
        return words.subList(1, words.size()).toArray(String[]::new);
    }

    private interface Call {
        Object make() throws Exception;
    }

    private static synchronized String withoutExit(Call call) throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream console = System.out;
        PrintStream errors = System.err;
        // A command takes it for a failure that it was not ended, and ends once more.
        List<Integer> codes = new ArrayList<>();
        Exit.Procedure end = (code, message) -> {
            codes.add(code);
            throw new Ended();
        };
        Exit.setExitProcedure(end);
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        // Being kept from ending is told there.
        System.setErr(new PrintStream(OutputStream.nullOutputStream()));
        try {
            call.make();
        } catch (InvocationTargetException e) {
            if (!(e.getCause() instanceof Ended) || codes.get(0) != 0) {
                throw new IllegalArgumentException(printed + " " + e.getCause(), e.getCause());
            }
        } finally {
            System.setOut(console);
            System.setErr(errors);
            Exit.resetExitProcedure();
        }
        return printed.toString(StandardCharsets.UTF_8);
    }
}
