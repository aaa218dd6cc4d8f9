package io.cistern.reload;

import io.cistern.reload.Reload.Status;
import io.cistern.reload.Stage.Phase;

/**
 * What is known of a reload as a whole at one moment. It never changes, so that an answer or a decision that needs more than
 * one of its parts reads a {@code ReloadState} once and does not contradict itself.
 *
 * @param accepted the request as it was accepted; null as long as this process has not read it
 * @param request  the checked request; null as long as this process has not read it, or if it does not understand it
 * @param wish     what callers want since
 * @param stage    how far it is
 */
record ReloadState(Task.Accepted accepted, ReloadRequest request, Wish wish, Stage stage) {

    static final ReloadState UNKNOWN = new ReloadState(null, null, Wish.NONE, new Stage());

    ReloadState with(Task.Accepted newAccepted, ReloadRequest newRequest) {
        return new ReloadState(newAccepted, newRequest, wish, stage);
    }

    ReloadState with(Wish newWish) {
        return new ReloadState(accepted, request, newWish, stage);
    }

    ReloadState with(Stage newStage) {
        return new ReloadState(accepted, request, wish, newStage);
    }

    /** Whether it is not over, or was asked to resume after its end. */
    boolean isRunning() {
        return !stage.phase.isOver() || isToResume();
    }

    private boolean isToResume() {
        return wish.turn() > stage.turn;
    }

    /** The status of the contract. */
    Status status() {
        return isRunning() ? Status.START : switch (stage.phase) {
            case COMPLETE -> Status.COMPLETE;
            case STOPPED -> Status.STOPPED;
            default -> Status.ERROR;
        };
    }

    /** The phase of an answer: that of the stage, or the transition that was asked for. */
    String phase() {
        Phase phase = isToResume() ? Phase.PAUSED : stage.phase;
        if (phase.isOver() || !isToResume() && phase == Phase.PAUSED && wish.kind() == Wish.Kind.PAUSE) {
            return phase.name();
        }
        return switch (wish.kind()) {
            case PAUSE -> "PAUSING";
            case STOP -> "STOPPING";
            case RUN -> phase == Phase.PAUSED ? "RESUMING" : phase.name();
        };
    }

    /** How fast it may be. */
    ReloadRequest.Speed speed() {
        if (wish.speed() != null) {
            return wish.speed();
        }
        return request == null ? ReloadRequest.Speed.UNLIMITED : request.speed();
    }

    /** The ingestion topic that the request names; null if it names none. */
    String topic() {
        return asked("topic");
    }

    /** A field of the request as it came, also of a request that this process does not understand; null if it is no text. */
    String asked(String field) {
        return accepted.asked().get(field) instanceof String text ? text : null;
    }
}
