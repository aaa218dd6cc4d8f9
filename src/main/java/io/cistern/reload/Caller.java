package io.cistern.reload;

import org.apache.camel.Exchange;

/**
 * Who calls the HTTP interface.
 *
 * @param name    that was proved; null if nobody was asked
 * @param role    in lower case, or null
 * @param address where the call came from, or null if that is not known
 */
public record Caller(String name, String role, String address) {

    /** One of whom nothing is known. */
    public static final Caller UNKNOWN = new Caller(null, null, null);

    /** What asks callers who they are, before a route sees the call; routes find it in the registry. */
    public interface Source {

        /** The caller of an exchange that has just come from the HTTP interface. */
        Caller of(Exchange exchange);
    }
}
