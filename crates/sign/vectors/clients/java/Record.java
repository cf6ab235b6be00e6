import com.fasterxml.jackson.databind.JsonNode;
import com.huaweicloud.sdk.core.auth.AKSKSigner;
import com.huaweicloud.sdk.core.auth.BasicCredentials;
import com.huaweicloud.sdk.core.http.HttpConfig;
import com.huaweicloud.sdk.core.http.HttpMethod;
import com.huaweicloud.sdk.core.http.HttpRequest;
import com.huaweicloud.sdk.core.impl.DefaultHttpClient;
import com.huaweicloud.sdk.core.utils.JsonUtils;
import java.util.ArrayList;
import java.util.List;

/** The vendor's Java SDK: its signer, and the HTTP client it sends with. */
final class Record {
    public static void main(String[] arguments) throws Exception {
        JsonNode told = JsonUtils.getDefaultMapper().readTree(System.getenv("RECORD"));
        DefaultHttpClient client = new DefaultHttpClient(HttpConfig.getDefaultHttpConfig());
        BasicCredentials credentials = new BasicCredentials()
                .withAk(told.get("access").asText()).withSk(told.get("secret").asText());
        for (JsonNode wanted : told.get("cases")) {
            HttpRequest.HttpRequestBuilder builder = HttpRequest.newBuilder()
                    .withEndpoint(told.get("url").asText())
                    .withMethod(HttpMethod.valueOf(wanted.get("method").asText()))
                    .withPath(wanted.get("path").asText())
                    .addHeader("User-Agent", "huaweicloud-usdk-java/3.0");
            if (!wanted.get("id").isNull()) {
                builder.addPathParam("id", wanted.get("id").asText());
            }
            for (JsonNode pair : wanted.get("query")) {
                List<String> values = new ArrayList<>();
                pair.get(1).forEach(value -> values.add(value.asText()));
                builder.addQueryParam(pair.get(0).asText(), values);
            }
            wanted.get("headers").fields().forEachRemaining(header -> {
                builder.addHeader(header.getKey(), header.getValue().asText());
                if (header.getKey().equals("Content-Type")) {
                    builder.withContentType(header.getValue().asText());
                }
            });
            if (!wanted.get("body").isNull()) {
                builder.withBodyAsString(JsonUtils.toJSON(wanted.get("body")));
            }
            HttpRequest request = builder.build();
            client.syncInvokeHttp(
                    request.builder().addHeaders(AKSKSigner.getInstance().sign(request, credentials)).build());
        }
        System.exit(0);
    }
}
