package io.cistern.reload;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.Settings;
import io.cistern.bucket.Bucket;
import io.cistern.kafka.Topics;
import java.util.HashMap;
import java.util.Map;

/** Stands in for a newer version, in which a request may have a field {@code priority}. */
public final class NewerRequests extends Requests {

    private static final String FIELD = "priority";

    public NewerRequests(Settings settings, Bucket bucket, Topics topics, Selectors selectors) {
        super(settings, bucket, topics, selectors);
    }

    @Override
    @SuppressWarnings("unchecked")
    public ReloadRequest ofTopic(String body) {
        try {
            Map<String, Object> asked = new ObjectMapper().readValue(body, Map.class);
            ReloadRequest known = super.ofTopic(new ObjectMapper().writeValueAsString(without(asked)));
            return new ReloadRequest(known.topic(), known.folder(), known.formerFolders(), known.fileName(), known.target(), known.range(),
                known.shape(), known.speed(), known.delivery(), known.onError(), known.dryRun(), known.force(), asked);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }

    @Override
    public ReloadRequest read(Map<String, Object> asked) {
        return super.read(without(asked));
    }

    private static Map<String, Object> without(Map<String, Object> asked) {
        Map<String, Object> known = new HashMap<>(asked);
        known.remove(FIELD);
        return known;
    }
}
