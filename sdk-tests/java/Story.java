import static java.util.Map.entry;

import com.huaweicloud.sdk.dataartsstudio.v1.DataArtsStudioClient;
import com.huaweicloud.sdk.dataartsstudio.v1.model.*;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The vendor's sample flow, and every call that is served, with the official Java SDK as it is on Maven Central. */
final class Story {
    private static final String PATH = "/v1/java_orders";

    private final Stage stage = new Stage();
    private final DataArtsStudioClient reviewer = stage.client("reviewer");
    private final DataArtsStudioClient owner = stage.client("owner");
    private final String instance = stage.get("instance");

    private Story() throws Exception {}

    public static void main(String[] arguments) throws Exception {
        Story story = new Story();
        story.everyCallThatIsServed();
        story.aProjectIsFoundByItsRegion();
        story.aWrongSecretIsRefused();
        System.out.println("3 passed, 0 failed");
        System.exit(0);
    }

    /** A request with the headers that every one has, and these fields. */
    private <T> T ask(Class<T> kind, Object... pairs) {
        Map<String, Object> all = Stage.fields(pairs);
        all.put("workspace", stage.get("workspace"));
        all.put("Dlm-Type", "EXCLUSIVE");
        return Stage.build(kind, all);
    }

    private Map<String, Object> definition(String description) {
        Map<String, Object> backend = Map.of(
                "type", "REQUEST_TYPE_GET", "protocol", "PROTOCOL_TYPE_HTTP", "host", stage.get("backend"),
                "path", "/echo", "timeout", 5000);
        return Map.ofEntries(
                entry("name", "java_orders"), entry("description", description), entry("catalog_id", "0"),
                entry("manager", "reviewer"), entry("api_type", "API_SPECIFIC_TYPE_REGISTER"),
                entry("auth_type", "APP"), entry("path", PATH), entry("protocol", "PROTOCOL_TYPE_HTTP"),
                entry("request_type", "REQUEST_TYPE_GET"), entry("visibility", "WORKSPACE"),
                entry("tags", List.of("java", "标签 1")), entry("backend_config", backend));
    }

    /** One of the five actions on a grant. */
    private void act(DataArtsStudioClient by, String api, String app, String kind, Instant until) {
        Map<String, Object> body = new HashMap<>(Map.of(
                "api_id", api, "app_id", app, "instance_id", instance, "apply_type", kind));
        if (until != null) {
            body.put("time", iso(until));
        }
        AuthorizeActionApiToInstanceRequest wanted = ask(AuthorizeActionApiToInstanceRequest.class, "body", body);
        Stage.same(kind, by.authorizeActionApiToInstance(wanted).getHttpStatusCode(), 204);
    }

    private void onApi(String api, String action, Instant at) {
        Map<String, Object> body = new HashMap<>(Map.of("action", action));
        if (at != null) {
            body.put("time", iso(at));
        }
        reviewer.executeApiToInstance(ask(
                ExecuteApiToInstanceRequest.class, "api_id", api, "instance_id", instance, "body", body));
    }

    private static String iso(Instant moment) {
        return moment.toString().replace("Z", ".000Z");
    }

    private void everyCallThatIsServed() throws Exception {
        // Instances.
        Stage.same("instances", owner.listDataServiceInstancesDetail(
                ask(ListDataServiceInstancesDetailRequest.class, "limit", 100)).getTotal(), 2);
        Stage.same("instances", owner.listDataServiceInstancesOverview(
                ask(ListDataServiceInstancesOverviewRequest.class)).getInstances().size(), 2);
        Stage.same("instance", owner.showDataServiceInstance(
                ask(ShowDataServiceInstanceRequest.class, "instance_id", instance)).getName(), "gate one");

        // An API: made, looked at, changed, published.
        String api = reviewer.createApi(
                ask(CreateApiRequest.class, "body", definition("订单 ~+%"))).getId();
        reviewer.updateApi(
                ask(UpdateApiRequest.class, "api_id", api, "body", definition("订单 a+b ~ 100%")));
        ShowApiResponse shown = reviewer.showApi(ask(ShowApiRequest.class, "api_id", api));
        Stage.same("description", shown.getDescription(), "订单 a+b ~ 100%");
        Stage.same("host of the backend", shown.getBackendConfig().getHost(), stage.get("backend"));
        Stage.same("APIs", reviewer.listApis(ask(
                ListApisRequest.class, "name", "java_", "description", "a+b ~ 100%",
                "tags", List.of("标签 1", "java"), "create_user", "reviewer",
                "api_type", "API_SPECIFIC_TYPE_REGISTER", "limit", 10, "offset", 0)).getTotal(), 1);
        Stage.same("a plus is no blank", reviewer.listApis(
                ask(ListApisRequest.class, "description", "a b ~ 100%", "limit", 10)).getTotal(), 0);
        reviewer.publishApiToInstance(ask(
                PublishApiToInstanceRequest.class, "api_id", api, "instance_id", instance, "body", Map.of()));
        Stage.same("status", reviewer.searchPublishInfo(
                ask(SearchPublishInfoRequest.class, "api_id", api, "limit", 10))
                .getPublishMessages().get(0).getApiStatus().getValue(), "API_STATUS_PUBLISHED");
        Stage.same("choices", reviewer.listInstanceList(
                ask(ListInstanceListRequest.class, "api_id", api, "action", "STOP", "show_all", true))
                .getInstances().size(), 2);

        // An app.
        CreateAppResponse made = owner.createApp(
                ask(CreateAppRequest.class, "body", Map.of("name", "java_shop", "description", "商店")));
        String app = made.getId();
        owner.updateApp(ask(
                UpdateAppRequest.class, "app_id", app, "body", Map.of("name", "java_shop", "description", "二")));
        Stage.same("secret", owner.showAppInfo(
                ask(ShowAppInfoRequest.class, "app_id", app)).getAppSecret(), made.getAppSecret());
        Stage.same("apps", owner.listApps(
                ask(ListAppsRequest.class, "name", "java_", "limit", 100)).getApps().size(), 1);
        gate(made, "no-grant");

        // The app's side applies, the reviewer approves, and the same for more time.
        Instant first = stage.hour(10);
        Instant second = stage.hour(200);
        act(owner, api, app, "APPLY_TYPE_APPLY", first);
        gate(made, "pending");
        for (Instant until : List.of(first, second)) {
            ListApplyResponse waiting = reviewer.listApply(
                    ask(ListApplyRequest.class, "offset", 0, "limit", 10, "query_type", 0));
            Stage.same("applications", waiting.getTotal(), 1);
            String id = waiting.getRecords().get(0).getId();
            Stage.same("end", reviewer.showApplyDetail(
                    ask(ShowApplyDetailRequest.class, "apply_id", id)).getApiUsingTime(), until.toEpochMilli());
            reviewer.batchApproveApply(ask(BatchApproveApplyRequest.class,
                    "body", Map.of("apply_result", true, "apply_ids", List.of(id))));
            gate(made, "");
            Map<String, String> relationships = reviewer.searchAuthorizeApp(
                    ask(SearchAuthorizeAppRequest.class, "api_id", api, "limit", 100)).getRecords().stream()
                    .collect(Collectors.toMap(r -> r.getAppId(), r -> r.getRelationshipType().getValue()));
            Stage.same("relationships", relationships, Map.of(app, "LINKED"));
            if (until == first) {
                act(owner, api, app, "APPLY_TYPE_RENEW", second);
            }
        }
        Stage.refused(400, "DLM.4682", () -> act(reviewer, api, app, "APPLY_TYPE_AUTHORIZE", first));
        Stage.same("deadline", owner.searchBindApi(ask(SearchBindApiRequest.class, "app_id", app))
                .getRecords().get(0).getDeadline(), second.toEpochMilli());

        // The reviewer cancels, and the app's side confirms at once.
        act(reviewer, api, app, "APPLY_TYPE_API_CANCEL_AUTHORIZE", stage.hour(60));
        gate(made, "");
        String message = owner.listMessage(
                ask(ListMessageRequest.class, "api_name", "java_orders", "limit", 10))
                .getRecords().get(0).getId();
        Stage.same("message", owner.showMessageDetail(
                ask(ShowMessageDetailRequest.class, "message_id", message)).getApiApplyType().getValue(),
                "APPLY_TYPE_API_CANCEL_AUTHORIZE");
        owner.confirmMessage(
                ask(ConfirmMessageRequest.class, "body", Map.of("message_id", message, "action", 0)));
        gate(made, "cancelled");

        // The reviewer grants without being asked: to one, then to many; the app gives it back; time ends it.
        act(reviewer, api, app, "APPLY_TYPE_AUTHORIZE", first);
        gate(made, "");
        act(owner, api, app, "APPLY_TYPE_APP_CANCEL_AUTHORIZE", null);
        gate(made, "cancelled");
        reviewer.authorizeApiToInstance(ask(AuthorizeApiToInstanceRequest.class, "api_id", api,
                "instance_id", instance, "body", Map.of("time", iso(first), "app_ids", List.of(app))));
        gate(made, "");
        stage.goTo(first);
        gate(made, "expired");

        // All of it goes again.
        onApi(api, "UNPUBLISH", stage.hour(50));
        gate(made, "not-published");
        Stage.refused(400, "DLM.4182", () -> onApi(api, "RECOVER", null));
        owner.deleteApp(ask(DeleteAppRequest.class, "app_id", app));
        reviewer.deleteApi(ask(DeleteApiRequest.class, "body", List.of(api)));
        Stage.refused(400, "DLM.4018", () -> reviewer.showApi(ask(ShowApiRequest.class, "api_id", api)));
        Stage.refused(400, "DLM.4063", () -> owner.showAppInfo(ask(ShowAppInfoRequest.class, "app_id", app)));
    }

    private void gate(CreateAppResponse app, String reason) {
        Stage.same("at the gateway", stage.call(app.getAppKey(), app.getAppSecret(), PATH), reason);
    }

    private void aProjectIsFoundByItsRegion() {
        stage.clientOfRegion("newcomer").listApps(ask(ListAppsRequest.class));
    }

    private void aWrongSecretIsRefused() {
        DataArtsStudioClient nobody = stage.clientWithWrongSecret("owner");
        Stage.refused(401, "APIGW.0301", () -> nobody.listApps(ask(ListAppsRequest.class)));
    }
}
