package io.cistern.reload;

import io.cistern.bucket.FileFacts;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * All facts that are noted under one key, of which those about the file of a topic are chosen: topics that share a folder may
 * have files of the same key, and facts of former versions do not say of which topic they are.
 */
final class NotedFacts {

    private final Map<String, String> tags = new HashMap<>();
    private final List<FileFacts> facts = new ArrayList<>();

    /** Starts again with the first facts of a key. */
    void start(FileFacts first) {
        facts.clear();
        facts.add(first);
    }

    void add(FileFacts more) {
        facts.add(more);
    }

    /** The key of all of them; null before the first one. */
    String key() {
        return facts.isEmpty() ? null : facts.get(0).key();
    }

    FileFacts last() {
        return facts.get(facts.size() - 1);
    }

    /** Whether any of them may be about a file of the topic that holds a timestamp in the range, both bounds included. */
    boolean mayHold(String topic, long from, long to) {
        String tag = tag(topic);
        return facts.stream().anyMatch(one -> (one.topicTag() == null || one.topicTag().equals(tag)) && one.mayHold(from, to));
    }

    /**
     * The facts about the topic's file: those that name the topic, else those that name none.
     *
     * @return null if there are none, or if they contradict each other, so that the file must be read
     */
    FileFacts of(String topic) {
        String tag = tag(topic);
        boolean areOwn = facts.stream().anyMatch(one -> tag.equals(one.topicTag()));
        FileFacts best = null;
        for (FileFacts one : facts) {
            if (areOwn ? tag.equals(one.topicTag()) : one.topicTag() == null) {
                if (best != null && !best.agreesWith(one)) {
                    return null;
                }
                // A reader may have noted the same as the storer, without what was before the first record.
                best = best == null || weight(one) >= weight(best) ? one : best;
            }
        }
        return best;
    }

    private static int weight(FileFacts facts) {
        return (facts.from() == FileFacts.NOT_NOTED ? 0 : 2) + (facts.topicId() == null ? 0 : 1);
    }

    private String tag(String topic) {
        return tags.computeIfAbsent(topic, FileFacts::tagOf);
    }
}
