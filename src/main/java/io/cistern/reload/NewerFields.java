package io.cistern.reload;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The fields of a state record that this version does not know. They are kept and written again, so that a replica of this
 * version does not take away what one of a newer version has noted.
 */
abstract class NewerFields {

    @JsonIgnore
    private final Map<String, JsonNode> newerFields = new LinkedHashMap<>();

    @JsonAnySetter
    void keep(String name, JsonNode value) {
        newerFields.put(name, value);
    }

    @JsonAnyGetter
    Map<String, JsonNode> newerFields() {
        return newerFields;
    }
}
