package story

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/signer"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/impl"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/request"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	dataartsstudio "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/dataartsstudio/v1"
)

// stage is where the story is played: a server, its people and a backend, as on_stage.py sets it up.
type stage struct {
	Control   string
	Gateway   string
	Backend   string
	Workspace string
	Instance  string
	Project   struct{ Id, Name string }
	People    map[string]struct {
		AccessKey string `json:"access_key"`
		SecretKey string `json:"secret_key"`
	}
}

func readStage(t *testing.T) stage {
	var s stage
	if err := json.Unmarshal([]byte(os.Getenv("TIDEGATE_STAGE")), &s); err != nil {
		t.Fatal("run by sdk-tests/go/run: ", err)
	}
	return s
}

// client is the official client of a person, built as the vendor's samples build it.
func (s stage) client(t *testing.T, name string) *dataartsstudio.DataArtsStudioClient {
	person := s.People[name]
	credentials, err := basic.NewCredentialsBuilder().
		WithAk(person.AccessKey).WithSk(person.SecretKey).WithProjectId(s.Project.Id).SafeBuild()
	must(t, err)
	client, err := dataartsstudio.DataArtsStudioClientBuilder().
		WithEndpoint(s.Control).WithCredential(credentials).SafeBuild()
	must(t, err)
	return dataartsstudio.NewDataArtsStudioClient(client)
}

// hour is the whole hour so many hours after the last one, by the server's clock.
func (s stage) hour(t *testing.T, count int) time.Time {
	var clock struct{ Now int64 }
	response, err := http.Get(s.Control + "/dev/clock")
	must(t, err)
	defer response.Body.Close()
	must(t, json.NewDecoder(response.Body).Decode(&clock))
	return time.UnixMilli(clock.Now).UTC().Truncate(time.Hour).Add(time.Duration(count) * time.Hour)
}

// goTo moves the server's clock past a whole hour, by less than an hour.
func (s stage) goTo(t *testing.T, moment time.Time) {
	ahead := moment.Sub(s.hour(t, 0))
	body := map[string]int64{"advance_seconds": int64(ahead / time.Second)}
	text, err := json.Marshal(body)
	must(t, err)
	response, err := http.Post(s.Control+"/dev/clock", "application/json", bytes.NewReader(text))
	must(t, err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatal("the clock: ", response.Status)
	}
}

// call is a call of an app, signed by the SDK's signer: no header but X-Sdk-Date is signed. It returns the
// gateway's verdict: empty if the call came through, otherwise the reason.
func (s stage) call(t *testing.T, key, secret, path string) string {
	wanted := request.NewHttpRequestBuilder().
		WithEndpoint(s.Gateway).WithPath(path).WithMethod("GET").Build()
	added, err := signer.Sign(wanted, key, secret)
	must(t, err)
	for name, value := range added {
		wanted.AddHeaderParam(name, value)
	}
	answer, err := impl.NewDefaultHttpClient(config.DefaultHttpConfig()).SyncInvokeHttp(wanted)
	must(t, err)
	body, err := io.ReadAll(answer.Response.Body)
	must(t, err)
	reason := answer.GetHeader("X-Tidegate-Reason")
	if (answer.GetStatusCode() == http.StatusOK) != (reason == "") {
		t.Fatalf("%d %s %s", answer.GetStatusCode(), reason, body)
	}
	return reason
}

// build makes a request or model of the SDK from its fields, by their names on the wire.
func build[T any](t *testing.T, fields map[string]any) *T {
	text, err := json.Marshal(fields)
	must(t, err)
	built := new(T)
	must(t, json.Unmarshal(text, built))
	return built
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks that a call was refused with a code.
func refused(t *testing.T, err error, status int, code string) {
	t.Helper()
	var refusal *sdkerr.ServiceResponseError
	if !errors.As(err, &refusal) {
		t.Fatalf("not refused: %v", err)
	}
	if refusal.StatusCode != status || refusal.ErrorCode != code || refusal.RequestId == "" {
		t.Fatalf("%+v", refusal)
	}
}

func same[T comparable](t *testing.T, what string, found, wanted T) {
	t.Helper()
	if found != wanted {
		t.Fatalf("%s: %v instead of %v", what, found, wanted)
	}
}
