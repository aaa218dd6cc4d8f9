package io.cistern.kafka;

import io.cistern.Settings;
import java.util.Properties;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule;

/**
 * SASL for all Kafka clients, from the user's name and password, which with OAUTHBEARER are those of a client of the identity
 * provider; without them a client's properties stay as they are.
 */
final class Security {

    private Security() {
    }

    static void apply(Settings settings, Properties properties) {
        String user = settings.value("kafka.username");
        if (user.isEmpty() || properties.containsKey(SaslConfigs.SASL_JAAS_CONFIG)) {
            return;
        }
        String mechanism = settings.value("kafka.sasl-mechanism");
        boolean isToken = mechanism.equals(OAuthBearerLoginModule.OAUTHBEARER_MECHANISM);
        String protocol = String.valueOf(properties.get(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG));
        properties.put(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG,
            protocol.contains("SSL") && !protocol.equals("SASL_PLAINTEXT") ? "SASL_SSL" : "SASL_PLAINTEXT");
        properties.put(SaslConfigs.SASL_MECHANISM, mechanism);
        properties.put(SaslConfigs.SASL_JAAS_CONFIG, module(mechanism) + " required " + (isToken ? "clientId=" : "username=")
            + quoted(user) + (isToken ? " clientSecret=" : " password=") + quoted(settings.value("kafka.password")) + ";");
        if (isToken) {
            properties.putIfAbsent(SaslConfigs.SASL_LOGIN_CALLBACK_HANDLER_CLASS, OAuthBearerLoginCallbackHandler.class.getName());
            properties.putIfAbsent(SaslConfigs.SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL, settings.value("kafka.token-endpoint"));
        }
    }

    private static String module(String mechanism) {
        return mechanism.startsWith("SCRAM-") ? "org.apache.kafka.common.security.scram.ScramLoginModule"
            : mechanism.equals(OAuthBearerLoginModule.OAUTHBEARER_MECHANISM) ? OAuthBearerLoginModule.class.getName()
            : "org.apache.kafka.common.security.plain.PlainLoginModule";
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
