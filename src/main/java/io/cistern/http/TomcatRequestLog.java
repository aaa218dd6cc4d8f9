package io.cistern.http;

import org.springframework.boot.web.embedded.tomcat.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/**
 * Keeps Tomcat from logging the lines of requests that it cannot parse: it quotes them whole, and a header, cookie or
 * parameter may hold a credential.
 */
@Configuration(proxyBeanMethods = false)
@Order(Ordered.HIGHEST_PRECEDENCE)
class TomcatRequestLog implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {

    /** Tomcat's switch for all log lines that quote requests; read when its classes are first used. */
    private static final String SWITCH = "org.apache.juli.logging.UserDataHelper.CONFIG";

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        System.setProperty(SWITCH, "NONE");
    }
}
