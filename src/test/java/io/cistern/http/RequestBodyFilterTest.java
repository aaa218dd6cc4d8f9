package io.cistern.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.reload.Requests;
import jakarta.servlet.ServletInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.springframework.mock.web.DelegatingServletInputStream;
import org.springframework.mock.web.MockFilterChain;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;

class RequestBodyFilterTest {

    private final MockFilterChain chain = new MockFilterChain();
    private final MockHttpServletResponse response = new MockHttpServletResponse();

    /** A request of HTTP/2, which has neither a declared length nor a transfer encoding. */
    private static MockHttpServletRequest ofHttp2(String method, byte[] body) {
        MockHttpServletRequest request = new MockHttpServletRequest(method, "/reingestion/topic") {
            @Override
            public long getContentLengthLong() {
                return -1;
            }

            @Override
            public int getContentLength() {
                return -1;
            }
        };
        request.setProtocol("HTTP/2.0");
        request.setContent(body);
        return request;
    }

    @Test
    void refusesALargeBodyOfHttp2() throws Exception {
        new RequestBodyFilter().doFilter(ofHttp2("POST", new byte[Requests.MOST_BYTES + 1]), response, chain);

        assertThat(response.getStatus()).isEqualTo(413);
        assertThat(response.getContentAsString()).contains("\"too-large\"");
        assertThat(chain.getRequest()).isNull();
    }

    @Test
    void readsNoMoreThanTheLimit() throws Exception {
        long[] read = {0};
        MockHttpServletRequest request = new MockHttpServletRequest("POST", "/") {
            @Override
            public ServletInputStream getInputStream() {
                return new DelegatingServletInputStream(new InputStream() {
                    @Override
                    public int read() {
                        read[0]++;
                        return ' ';
                    }
                });
            }
        };

        new RequestBodyFilter().doFilter(request, response, chain);

        assertThat(response.getStatus()).isEqualTo(413);
        assertThat(read[0]).isEqualTo(Requests.MOST_BYTES + 1);
    }

    @Test
    void passesOnTheWholeBodyUpToTheLimit() throws Exception {
        for (String body : new String[] {"", "{}", "\u00e4", " ".repeat(Requests.MOST_BYTES)}) {
            MockFilterChain next = new MockFilterChain();

            new RequestBodyFilter().doFilter(ofHttp2(body.isEmpty() ? "GET" : "POST", body.getBytes(StandardCharsets.UTF_8)),
                new MockHttpServletResponse(), next);

            assertThat(new String(next.getRequest().getInputStream().readAllBytes(), StandardCharsets.UTF_8)).isEqualTo(body);
        }
    }

    @Test
    void answersABodyThatIsCutShort() throws Exception {
        MockHttpServletRequest request = new MockHttpServletRequest("POST", "/") {
            @Override
            public ServletInputStream getInputStream() {
                return new DelegatingServletInputStream(new InputStream() {
                    @Override
                    public int read() throws IOException {
                        throw new EOFException();
                    }
                });
            }
        };

        new RequestBodyFilter().doFilter(request, response, chain);

        assertThat(response.getStatus()).isEqualTo(400);
        assertThat(response.getContentAsString()).isEqualTo("{\"message\": \"The body is incomplete\", \"code\": \"incomplete-body\"}");
        assertThat(chain.getRequest()).isNull();
    }
}
