package io.cistern.http;

import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.boot.web.servlet.error.ErrorController;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.RequestMapping;

/** Answers errors in JSON, whatever the request accepts: Spring Boot's controller has a page for browsers, and nothing for others. */
@Controller
class JsonErrorController implements ErrorController {

    /** A request for the path itself, which is not the dispatch of an error, finds nothing. */
    @RequestMapping("${server.error.path:${error.path:/error}}")
    void answer(HttpServletRequest request, HttpServletResponse response) throws IOException {
        JsonError.write(response, request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE) instanceof Integer status
            ? status : HttpStatus.NOT_FOUND.value());
    }
}
