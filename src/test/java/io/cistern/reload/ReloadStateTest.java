package io.cistern.reload;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.reload.Stage.Phase;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Answers about a reload that changes while it is asked about. */
class ReloadStateTest {

    private static final int ANSWERS = 100_000;

    @Test
    void answersDoNotContradictThemselves() throws InterruptedException {
        // Given a reload that ends and is resumed all the time
        Reload reload = new Reload("id");
        reload.accept(new Task.Accepted(Map.of("topic", "orders", "reIngestionTopic", "target"), 0, "http", ":"),
            ReloadRequest.ofTopic(Map.of("topic", "orders", "reIngestionTopic", "target"), topic -> topic));
        AtomicBoolean isDone = new AtomicBoolean();
        Thread changing = new Thread(() -> {
            for (long turn = 1; !isDone.get(); turn += 2) {
                reload.stage(stage(Phase.STOPPED, turn));
                reload.wish(new Wish(Wish.Kind.RUN, null, turn + 1));
                reload.stage(stage(Phase.RUNNING, turn + 1));
            }
        });
        changing.start();
        try {
            for (int i = 0; i < ANSWERS; i++) {
                // When
                Map<String, Object> answer = reload.detail();

                // Then
                boolean isOver = answer.get("status").equals("STOPPED");
                assertThat(answer.get("status")).isIn("START", "STOPPED");
                assertThat(answer.containsKey("endedAt")).isEqualTo(isOver);
                assertThat(answer.get("phase").equals("STOPPED")).isEqualTo(isOver);
                assertThat(reload.getStatus()).isIn(Reload.Status.START, Reload.Status.STOPPED);
            }
        } finally {
            isDone.set(true);
            changing.join();
        }
    }

    private static Stage stage(Phase phase, long turn) {
        Stage stage = new Stage();
        stage.phase = phase;
        stage.turn = turn;
        stage.isPlanned = true;
        stage.startedAt = 0L;
        stage.endedAt = phase.isOver() ? 10L : null;
        return stage;
    }
}
