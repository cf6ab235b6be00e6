// Package story plays the vendor's sample flow, and every call that is served, with the official Go SDK as
// it is on the module proxy.
package story

import (
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/region"
	dataartsstudio "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/dataartsstudio/v1"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/dataartsstudio/v1/model"
)

const path = "/v1/go_orders"

type fields = map[string]any

// person is somebody with a client, who works in one workspace.
type person struct {
	stage
	*dataartsstudio.DataArtsStudioClient
}

// with adds the headers that every request of the SDK has fields for.
func (p person) with(more fields) fields {
	all := fields{"workspace": p.Workspace, "Dlm-Type": "EXCLUSIVE", "Content-Type": "application/json"}
	for name, value := range more {
		all[name] = value
	}
	return all
}

func (p person) definition(name, description string) fields {
	return fields{
		"name": name, "description": description, "catalog_id": "0", "manager": "reviewer",
		"api_type": "API_SPECIFIC_TYPE_REGISTER", "auth_type": "APP", "path": path,
		"protocol": "PROTOCOL_TYPE_HTTP", "request_type": "REQUEST_TYPE_GET",
		"visibility": "WORKSPACE", "tags": []string{"go", "标签 1"},
		"backend_config": fields{
			"type": "REQUEST_TYPE_GET", "protocol": "PROTOCOL_TYPE_HTTP", "host": p.Backend,
			"path": "/echo", "timeout": 5000,
		},
	}
}

// act is one of the five actions on a grant.
func (p person) act(t *testing.T, api, app, kind string, until *time.Time) error {
	body := fields{"api_id": api, "app_id": app, "instance_id": p.Instance, "apply_type": kind}
	if until != nil {
		body["time"] = iso(*until)
	}
	wanted := build[model.AuthorizeActionApiToInstanceRequest](t, p.with(fields{"body": body}))
	answer, err := p.AuthorizeActionApiToInstance(wanted)
	if err == nil {
		same(t, kind, answer.HttpStatusCode, 204)
	}
	return err
}

func (p person) onApi(t *testing.T, api, action string, at *time.Time) error {
	body := fields{"action": action}
	if at != nil {
		body["time"] = iso(*at)
	}
	wanted := p.with(fields{"api_id": api, "instance_id": p.Instance, "body": body})
	_, err := p.ExecuteApiToInstance(build[model.ExecuteApiToInstanceRequest](t, wanted))
	return err
}

// relationships are what the apps are to an API.
func (p person) relationships(t *testing.T, api string) map[string]string {
	wanted := p.with(fields{"api_id": api, "limit": 100})
	answer, err := p.SearchAuthorizeApp(build[model.SearchAuthorizeAppRequest](t, wanted))
	must(t, err)
	found := map[string]string{}
	for _, record := range *answer.Records {
		found[*record.AppId] = record.RelationshipType.Value()
	}
	return found
}

// waiting is the one application that waits for a verdict.
func (p person) waiting(t *testing.T) model.RecordForApplyDetail {
	wanted := p.with(fields{"offset": 0, "limit": 10, "query_type": 0})
	answer, err := p.ListApply(build[model.ListApplyRequest](t, wanted))
	must(t, err)
	same(t, "applications", *answer.Total, 1)
	return (*answer.Records)[0]
}

func iso(moment time.Time) string { return moment.Format("2006-01-02T15:04:05.000Z") }

func TestEveryCallThatIsServed(t *testing.T) {
	s := readStage(t)
	reviewer, owner := person{s, s.client(t, "reviewer")}, person{s, s.client(t, "owner")}

	// Instances.
	detail, err := owner.ListDataServiceInstancesDetail(
		build[model.ListDataServiceInstancesDetailRequest](t, owner.with(fields{"limit": 100})))
	must(t, err)
	same(t, "instances", *detail.Total, 2)
	overview, err := owner.ListDataServiceInstancesOverview(
		build[model.ListDataServiceInstancesOverviewRequest](t, owner.with(nil)))
	must(t, err)
	same(t, "instances", len(*overview.Instances), 2)
	shown, err := owner.ShowDataServiceInstance(
		build[model.ShowDataServiceInstanceRequest](t, owner.with(fields{"instance_id": s.Instance})))
	must(t, err)
	same(t, "instance", *shown.Name, "gate one")

	// An API: made, looked at, changed, published.
	created, err := reviewer.CreateApi(build[model.CreateApiRequest](
		t, reviewer.with(fields{"body": reviewer.definition("go_orders", "订单 ~+%")})))
	must(t, err)
	api := *created.Id
	_, err = reviewer.UpdateApi(build[model.UpdateApiRequest](t, reviewer.with(
		fields{"api_id": api, "body": reviewer.definition("go_orders", "订单 a+b ~ 100%")})))
	must(t, err)
	one, err := reviewer.ShowApi(
		build[model.ShowApiRequest](t, reviewer.with(fields{"api_id": api})))
	must(t, err)
	same(t, "description", *one.Description, "订单 a+b ~ 100%")
	same(t, "host of the backend", *one.BackendConfig.Host, s.Backend)
	listed, err := reviewer.ListApis(build[model.ListApisRequest](t, reviewer.with(fields{
		"name": "go_", "description": "a+b ~ 100%", "tags": []string{"标签 1", "go"},
		"create_user": "reviewer", "api_type": "API_SPECIFIC_TYPE_REGISTER", "limit": 10, "offset": 0,
	})))
	must(t, err)
	same(t, "APIs", *listed.Total, 1)
	none, err := reviewer.ListApis(build[model.ListApisRequest](
		t, reviewer.with(fields{"description": "a b ~ 100%", "limit": 10})))
	must(t, err)
	same(t, "a plus is no blank", *none.Total, 0)
	_, err = reviewer.PublishApiToInstance(build[model.PublishApiToInstanceRequest](t, reviewer.with(
		fields{"api_id": api, "instance_id": s.Instance, "body": fields{}})))
	must(t, err)
	published, err := reviewer.SearchPublishInfo(
		build[model.SearchPublishInfoRequest](t, reviewer.with(fields{"api_id": api, "limit": 10})))
	must(t, err)
	same(t, "status", (*published.PublishMessages)[0].ApiStatus.Value(), "API_STATUS_PUBLISHED")
	choices, err := reviewer.ListInstanceList(build[model.ListInstanceListRequest](
		t, reviewer.with(fields{"api_id": api, "action": "STOP", "show_all": true})))
	must(t, err)
	same(t, "choices", len(*choices.Instances), 2)

	// An app.
	made, err := owner.CreateApp(build[model.CreateAppRequest](
		t, owner.with(fields{"body": fields{"name": "go_shop", "description": "商店"}})))
	must(t, err)
	app := *made.Id
	call := func() string { return s.call(t, *made.AppKey, *made.AppSecret, path) }
	_, err = owner.UpdateApp(build[model.UpdateAppRequest](
		t, owner.with(fields{"app_id": app, "body": fields{"name": "go_shop", "description": "二"}})))
	must(t, err)
	info, err := owner.ShowAppInfo(
		build[model.ShowAppInfoRequest](t, owner.with(fields{"app_id": app})))
	must(t, err)
	same(t, "secret", *info.AppSecret, *made.AppSecret)
	apps, err := owner.ListApps(
		build[model.ListAppsRequest](t, owner.with(fields{"name": "go_", "limit": 100})))
	must(t, err)
	same(t, "apps", len(*apps.Apps), 1)
	same(t, "before", call(), "no-grant")

	// The app's side applies, the reviewer approves, and the same for more time.
	first, second := s.hour(t, 10), s.hour(t, 200)
	must(t, owner.act(t, api, app, "APPLY_TYPE_APPLY", &first))
	same(t, "applied", call(), "pending")
	for _, until := range []time.Time{first, second} {
		waiting := reviewer.waiting(t)
		one, err := reviewer.ShowApplyDetail(build[model.ShowApplyDetailRequest](
			t, reviewer.with(fields{"apply_id": *waiting.Id})))
		must(t, err)
		same(t, "end", *one.ApiUsingTime, until.UnixMilli())
		_, err = reviewer.BatchApproveApply(build[model.BatchApproveApplyRequest](t, reviewer.with(
			fields{"body": fields{"apply_result": true, "apply_ids": []string{*waiting.Id}}})))
		must(t, err)
		same(t, "approved", call(), "")
		same(t, "relationship", reviewer.relationships(t, api)[app], "LINKED")
		if until == first {
			must(t, owner.act(t, api, app, "APPLY_TYPE_RENEW", &second))
		}
	}
	refused(t, reviewer.act(t, api, app, "APPLY_TYPE_AUTHORIZE", &first), 400, "DLM.4682")
	bound, err := owner.SearchBindApi(
		build[model.SearchBindApiRequest](t, owner.with(fields{"app_id": app})))
	must(t, err)
	same(t, "deadline", *(*bound.Records)[0].Deadline, second.UnixMilli())

	// The reviewer cancels, and the app's side confirms at once.
	at := s.hour(t, 60)
	must(t, reviewer.act(t, api, app, "APPLY_TYPE_API_CANCEL_AUTHORIZE", &at))
	same(t, "under notice", call(), "")
	messages, err := owner.ListMessage(
		build[model.ListMessageRequest](t, owner.with(fields{"api_name": "go_orders", "limit": 10})))
	must(t, err)
	message := *(*messages.Records)[0].Id
	what, err := owner.ShowMessageDetail(
		build[model.ShowMessageDetailRequest](t, owner.with(fields{"message_id": message})))
	must(t, err)
	same(t, "message", what.ApiApplyType.Value(), "APPLY_TYPE_API_CANCEL_AUTHORIZE")
	_, err = owner.ConfirmMessage(build[model.ConfirmMessageRequest](
		t, owner.with(fields{"body": fields{"message_id": message, "action": 0}})))
	must(t, err)
	same(t, "confirmed", call(), "cancelled")

	// The reviewer grants without being asked: to one, then to many; the app gives it back; time ends it.
	must(t, reviewer.act(t, api, app, "APPLY_TYPE_AUTHORIZE", &first))
	same(t, "authorized", call(), "")
	must(t, owner.act(t, api, app, "APPLY_TYPE_APP_CANCEL_AUTHORIZE", nil))
	same(t, "given back", call(), "cancelled")
	_, err = reviewer.AuthorizeApiToInstance(build[model.AuthorizeApiToInstanceRequest](t, reviewer.with(
		fields{"api_id": api, "instance_id": s.Instance,
			"body": fields{"time": iso(first), "app_ids": []string{app}}})))
	must(t, err)
	same(t, "one of many", call(), "")
	s.goTo(t, first)
	same(t, "over", call(), "expired")

	// All of it goes again.
	soon := s.hour(t, 50)
	must(t, reviewer.onApi(t, api, "UNPUBLISH", &soon))
	same(t, "offline", call(), "not-published")
	refused(t, reviewer.onApi(t, api, "RECOVER", nil), 400, "DLM.4182")
	_, err = owner.DeleteApp(build[model.DeleteAppRequest](t, owner.with(fields{"app_id": app})))
	must(t, err)
	_, err = reviewer.DeleteApi(
		build[model.DeleteApiRequest](t, reviewer.with(fields{"body": []string{api}})))
	must(t, err)
	_, err = reviewer.ShowApi(build[model.ShowApiRequest](t, reviewer.with(fields{"api_id": api})))
	refused(t, err, 400, "DLM.4018")
	_, err = owner.ShowAppInfo(build[model.ShowAppInfoRequest](t, owner.with(fields{"app_id": app})))
	refused(t, err, 400, "DLM.4063")
}

// A client that knows its region only asks for its project, signed with nothing but X-Sdk-Date.
func TestAProjectIsFoundByItsRegion(t *testing.T) {
	s := readStage(t)
	key := s.People["newcomer"]
	credentials, err := basic.NewCredentialsBuilder().
		WithAk(key.AccessKey).WithSk(key.SecretKey).WithIamEndpointOverride(s.Control).SafeBuild()
	must(t, err)
	built, err := dataartsstudio.DataArtsStudioClientBuilder().
		WithRegion(region.NewRegion(s.Project.Name, s.Control)).WithCredential(credentials).SafeBuild()
	must(t, err)
	newcomer := person{s, dataartsstudio.NewDataArtsStudioClient(built)}
	_, err = newcomer.ListApps(build[model.ListAppsRequest](t, newcomer.with(nil)))
	must(t, err)
}

func TestAWrongSecretIsRefused(t *testing.T) {
	s := readStage(t)
	credentials, err := basic.NewCredentialsBuilder().WithAk(s.People["owner"].AccessKey).
		WithSk("wrong").WithProjectId(s.Project.Id).SafeBuild()
	must(t, err)
	built, err := dataartsstudio.DataArtsStudioClientBuilder().
		WithEndpoint(s.Control).WithCredential(credentials).SafeBuild()
	must(t, err)
	nobody := person{s, dataartsstudio.NewDataArtsStudioClient(built)}
	_, err = nobody.ListApps(build[model.ListAppsRequest](t, nobody.with(nil)))
	refused(t, err, 401, "APIGW.0301")
}
