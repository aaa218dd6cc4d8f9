package io.cistern.deployment;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.cistern.testing.JsonSchema;
import io.strimzi.api.kafka.model.topic.KafkaTopicSpec;
import io.strimzi.api.kafka.model.user.KafkaUserSpec;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Says what is wrong with resources of a cluster: a field that there is not, a value of another type, one that is missing. */
final class Kinds {

    private static final String MODELS = "io.kubernetes.client.openapi.models.V1";
    private static final JsonNode KEDA = Yaml.resource("/kubernetes/keda.yaml");
    private static final JsonNode INTEGRATION =
        Yaml.resource("/camel.apache.org_integrations.yaml").at("/spec/versions/0/schema/openAPIV3Schema");

    /** The models keep what they do not know, which must be refused here. */
    private static final ObjectMapper STRICT = new ObjectMapper()
        .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
        .setAnnotationIntrospector(new JacksonAnnotationIntrospector() {
            @Override
            public Boolean hasAnySetter(Annotated annotated) {
                return false;
            }
        });

    private Kinds() {
    }

    /** What is wrong with a resource, a sentence each; empty if nothing is. */
    static List<String> problems(JsonNode resource) {
        String kind = resource.path("kind").asText();
        String place = kind + " " + resource.at("/metadata/name").asText();
        return switch (resource.path("apiVersion").asText()) {
            case "v1", "apps/v1", "policy/v1", "networking.k8s.io/v1" -> ofKubernetes(kind, resource, place);
            case "keda.sh/v1alpha1" -> new JsonSchema(KEDA, true).problems(KEDA.get(kind), resource, place);
            case "camel.apache.org/v1" -> new JsonSchema(INTEGRATION, true).problems(INTEGRATION, resource, place);
            case "kafka.strimzi.io/v1beta2" -> ofStrimzi(kind, resource, place);
            default -> List.of(place + ": nothing is known of its apiVersion");
        };
    }

    /** By the models of Kubernetes' own client, which are made from its API's document. */
    private static List<String> ofKubernetes(String kind, JsonNode resource, String place) {
        try {
            Class<?> model = Class.forName(MODELS + kind);
            model.getMethod("validateJsonElement", JsonElement.class).invoke(null, JsonParser.parseString(resource.toString()));
            return List.of();
        } catch (ClassNotFoundException e) {
            return List.of(place + ": there is no such kind");
        } catch (InvocationTargetException e) {
            return List.of(place + ": " + e.getCause().getMessage());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> ofStrimzi(String kind, JsonNode resource, String place) {
        List<String> problems = new ArrayList<>();
        resource.fieldNames().forEachRemaining(field -> {
            if (!List.of("apiVersion", "kind", "metadata", "spec").contains(field)) {
                problems.add(place + ": there is no field " + field);
            }
        });
        try {
            Class<?> model = switch (kind) {
                case "KafkaTopic" -> KafkaTopicSpec.class;
                case "KafkaUser" -> KafkaUserSpec.class;
                default -> throw new IllegalArgumentException("there is no such kind");
            };
            JsonNode read = STRICT.valueToTree(STRICT.treeToValue(resource.get("spec"), model));
            // A word that there is not is read as nothing.
            if (!holds(read, resource.get("spec"))) {
                problems.add(place + ": not all of it is known: " + read);
            }
        } catch (Exception e) {
            problems.add(place + ": " + e.getMessage());
        }
        return problems;
    }

    /** Whether all of {@code part} is in {@code whole}, lists in their order. */
    private static boolean holds(JsonNode whole, JsonNode part) {
        if (part.isObject()) {
            return part.properties().stream().allMatch(entry ->
                whole.has(entry.getKey()) && holds(whole.get(entry.getKey()), entry.getValue()));
        }
        if (part.isArray()) {
            return whole.size() == part.size()
                && IntStream.range(0, part.size()).allMatch(i -> holds(whole.get(i), part.get(i)));
        }
        return whole.asText().equals(part.asText());
    }
}
