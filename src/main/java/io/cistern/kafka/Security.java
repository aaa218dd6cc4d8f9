package io.cistern.kafka;

import io.cistern.Settings;
import java.util.Properties;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.common.config.SaslConfigs;

/** SASL for all Kafka clients, from the user's name and password; without them a client's properties stay as they are. */
final class Security {

    private Security() {
    }

    static void apply(Settings settings, Properties properties) {
        String user = settings.value("kafka.username");
        if (user.isEmpty() || properties.containsKey(SaslConfigs.SASL_JAAS_CONFIG)) {
            return;
        }
        String mechanism = settings.value("kafka.sasl-mechanism");
        String module = mechanism.startsWith("SCRAM-")
            ? "org.apache.kafka.common.security.scram.ScramLoginModule"
            : "org.apache.kafka.common.security.plain.PlainLoginModule";
        String protocol = String.valueOf(properties.get(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG));
        properties.put(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG,
            protocol.contains("SSL") && !protocol.equals("SASL_PLAINTEXT") ? "SASL_SSL" : "SASL_PLAINTEXT");
        properties.put(SaslConfigs.SASL_MECHANISM, mechanism);
        properties.put(SaslConfigs.SASL_JAAS_CONFIG, module + " required username=" + quoted(user)
            + " password=" + quoted(settings.value("kafka.password")) + ";");
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
