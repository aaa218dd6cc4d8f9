package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.FatalErrorInterceptor;
import io.cistern.FatalErrors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

/** An error that leaves a process in an unknown state ends it with one line and exit code 3, whoever catches the error. */
class FatalErrorsTest {

    @ParameterizedTest
    @CsvSource({"step, 3", "caught-step, 3", "thread, 3", "pool, 3", "task, 3", "poll, 3", "logged, 3", "deep-step, 0"})
    void endsTheProcess(String where, int exitCode, @TempDir Path folder) throws Exception {
        // Given a process without options of the JVM for this
        Path output = folder.resolve("output.log");
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx48m", "-cp", System.getProperty("java.class.path"), Program.class.getName(), where)
            .redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().keySet().removeIf(name -> name.contains("JAVA"));

        // When it runs out of memory
        Process process = builder.start();
        boolean hasEnded = process.waitFor(2, TimeUnit.MINUTES);
        process.destroyForcibly();

        // Then
        assertThat(hasEnded).isTrue();
        assertThat(process.exitValue()).as(Files.readString(output)).isEqualTo(exitCode);
        assertThat(Files.readAllLines(output)).filteredOn(line -> line.contains("Fatal error, ending the process"))
            .hasSize(exitCode == 0 ? 0 : 1);
    }

    /** What the tests run. */
    public static final class Program {

        private Program() {
        }

        public static void main(String[] arguments) throws Exception {
            DefaultCamelContext context = new DefaultCamelContext();
            new FatalErrorInterceptor().setCamelContext(context);
            context.addRoutes(new RouteBuilder() {
                @Override
                public void configure() {
                    from("direct:step").process(exchange -> fillMemory());
                    from("direct:caught-step").doTry().process(exchange -> fillMemory()).doCatch(Exception.class)
                        .log("caught").end();
                    from("direct:deep-step").doTry().process(exchange -> recurse(0)).doCatch(Exception.class)
                        .log("caught").end();
                }
            });
            context.start();
            switch (arguments[0]) {
                case "thread" -> start(Program::fillMemory);
                case "pool" -> context.getExecutorServiceManager().newFixedThreadPool(context, "consumer", 1)
                    .submit(Program::fillMemory);
                case "task" -> CompletableFuture.supplyAsync(FatalErrors.watched(() -> {
                    fillMemory();
                    return null;
                }));
                case "poll" -> start(() -> ReplaceableConsumer.of(new Properties(), Program::consumer,
                    new ConsumerHealth(), () -> { }).poll(java.time.Duration.ZERO));
                case "logged" -> LoggerFactory.getLogger("a.library").error("Uncaught exception in a thread",
                    new IllegalStateException(new OutOfMemoryError("thrown by a test")));
                default -> {
                    try {
                        context.createProducerTemplate().sendBody("direct:" + arguments[0], "");
                    } catch (RuntimeException e) {
                        System.out.println("The step failed: " + e);
                    }
                }
            }
            // An error of a single input is a failure of its step, which the route handles.
            if (!arguments[0].equals("deep-step")) {
                Thread.sleep(TimeUnit.MINUTES.toMillis(2));
            }
            Runtime.getRuntime().halt(0);
        }

        private static void start(Runnable task) {
            // A failure of a task that an executor runs is kept in a future that nobody asks.
            new Thread(task).start();
        }

        private static MockConsumer<Object, Object> consumer() {
            return new MockConsumer<>(OffsetResetStrategy.NONE) {
                @Override
                public synchronized ConsumerRecords<Object, Object> poll(java.time.Duration timeout) {
                    fillMemory();
                    return ConsumerRecords.empty();
                }
            };
        }

        private static void fillMemory() {
            List<byte[]> memory = new ArrayList<>();
            while (true) {
                memory.add(new byte[1 << 20]);
            }
        }

        private static int recurse(int depth) {
            return recurse(depth + 1) + 1;
        }
    }
}
