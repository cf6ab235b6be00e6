import com.fasterxml.jackson.databind.JsonNode;
import com.huaweicloud.sdk.core.auth.AKSKSigner;
import com.huaweicloud.sdk.core.auth.BasicCredentials;
import com.huaweicloud.sdk.core.auth.ICredential;
import com.huaweicloud.sdk.core.exception.ServiceResponseException;
import com.huaweicloud.sdk.core.http.HttpConfig;
import com.huaweicloud.sdk.core.http.HttpMethod;
import com.huaweicloud.sdk.core.http.HttpRequest;
import com.huaweicloud.sdk.core.impl.DefaultHttpClient;
import com.huaweicloud.sdk.core.region.Region;
import com.huaweicloud.sdk.core.utils.JsonUtils;
import com.huaweicloud.sdk.dataartsstudio.v1.DataArtsStudioClient;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/** Where the story is played: a server, its people and a backend, as on_stage.py sets it up. */
final class Stage {
    final JsonNode told;
    private final HttpClient http = HttpClient.newHttpClient();
    private final DefaultHttpClient ofTheSdk = new DefaultHttpClient(HttpConfig.getDefaultHttpConfig());

    Stage() throws Exception {
        String text = Objects.requireNonNull(System.getenv("TIDEGATE_STAGE"), "run by sdk-tests/java/run");
        told = JsonUtils.getDefaultMapper().readTree(text);
    }

    String get(String name) {
        return told.get(name).asText();
    }

    private BasicCredentials credentials(String name) {
        JsonNode person = told.get("people").get(name);
        return new BasicCredentials()
                .withAk(person.get("access_key").asText())
                .withSk(person.get("secret_key").asText());
    }

    /** The official client of a person, built as the vendor's samples build it. */
    DataArtsStudioClient client(String name) {
        ICredential credential = credentials(name).withProjectId(told.get("project").get("id").asText());
        return DataArtsStudioClient.newBuilder()
                .withCredential(credential).withEndpoint(get("control")).build();
    }

    /** A client that knows its region only. */
    DataArtsStudioClient clientOfRegion(String name) {
        Region region = new Region(told.get("project").get("name").asText(), get("control"));
        return DataArtsStudioClient.newBuilder()
                .withCredential(credentials(name).withIamEndpoint(get("control")))
                .withRegion(region).build();
    }

    DataArtsStudioClient clientWithWrongSecret(String name) {
        ICredential credential = credentials(name).withSk("wrong")
                .withProjectId(told.get("project").get("id").asText());
        return DataArtsStudioClient.newBuilder()
                .withCredential(credential).withEndpoint(get("control")).build();
    }

    private JsonNode clock(java.net.http.HttpRequest.Builder wanted) throws Exception {
        wanted.uri(URI.create(get("control") + "/dev/clock"));
        return JsonUtils.getDefaultMapper().readTree(http.send(wanted.build(), BodyHandlers.ofString()).body());
    }

    /** The whole hour so many hours after the last one, by the server's clock. */
    Instant hour(int count) throws Exception {
        long now = clock(java.net.http.HttpRequest.newBuilder().GET()).get("now").asLong();
        return Instant.ofEpochMilli(now).truncatedTo(ChronoUnit.HOURS).plus(count, ChronoUnit.HOURS);
    }

    /** Moves the server's clock past a whole hour, by less than an hour. */
    void goTo(Instant moment) throws Exception {
        long ahead = moment.getEpochSecond() - hour(0).getEpochSecond();
        String body = "{\"advance_seconds\": " + ahead + "}";
        clock(java.net.http.HttpRequest.newBuilder()
                .POST(java.net.http.HttpRequest.BodyPublishers.ofString(body)));
    }

    /** A call of an app, signed by the SDK's signer. Gives the gateway's reason to deny it, or an empty text. */
    String call(String key, String secret, String path) {
        HttpRequest wanted = HttpRequest.newBuilder()
                .withEndpoint(get("gateway")).withPath(path).withMethod(HttpMethod.GET).build();
        Map<String, String> added = AKSKSigner.getInstance()
                .sign(wanted, new BasicCredentials().withAk(key).withSk(secret));
        var answer = ofTheSdk.syncInvokeHttp(wanted.builder().addHeaders(added).build());
        String reason = Objects.requireNonNullElse(answer.getHeader("X-Tidegate-Reason"), "");
        if ((answer.getStatusCode() == 200) != reason.isEmpty()) {
            throw new AssertionError(answer.getStatusCode() + " " + reason + " " + answer.getBodyAsString());
        }
        return reason;
    }

    /** A request or model of the SDK, from its fields by their names on the wire. */
    static <T> T build(Class<T> kind, Map<String, Object> fields) {
        T built = JsonUtils.toObject(JsonUtils.toJSON(fields), kind);
        return Objects.requireNonNull(built, kind.getName());
    }

    /** Fields, as name, value, name, value. */
    static Map<String, Object> fields(Object... pairs) {
        Map<String, Object> all = new HashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            all.put((String) pairs[i], pairs[i + 1]);
        }
        return all;
    }

    static void same(String what, Object found, Object wanted) {
        if (!Objects.equals(found, wanted)) {
            throw new AssertionError(what + ": " + found + " instead of " + wanted);
        }
    }

    /** Checks that a call is refused with a code. */
    static void refused(int status, String code, Runnable call) {
        try {
            call.run();
        } catch (ServiceResponseException refusal) {
            same(refusal.toString(), refusal.getHttpStatusCode(), status);
            same(refusal.toString(), refusal.getErrorCode(), code);
            same(refusal.toString(), refusal.getRequestId() != null, true);
            return;
        }
        throw new AssertionError("not refused, though " + code + " was expected");
    }
}
