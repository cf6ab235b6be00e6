// The vendor's JavaScript SDK: a client of its core, which signs and sends.
const { BasicCredentials } = require("@huaweicloud/huaweicloud-sdk-core");
const { HcClient } = require("@huaweicloud/huaweicloud-sdk-core/HcClient");
const { DefaultHttpClient } = require("@huaweicloud/huaweicloud-sdk-core/http/DefaultHttpClient");

async function main() {
    const told = JSON.parse(process.env.RECORD);
    const credential = new BasicCredentials().withAk(told.access).withSk(told.secret).withProjectId("p");
    const client = new HcClient(new DefaultHttpClient({}, [told.url]), {})
        .withCredential(credential).withEndpoints([told.url]);
    for (const wanted of told.cases) {
        const queryParams = {};
        for (const [name, values] of wanted.query) {
            queryParams[name] = values.length === 1 ? values[0] : values;
        }
        const { "Content-Type": contentType, ...headers } = wanted.headers;
        await client.sendRequest({
            method: wanted.method, url: wanted.path, contentType, headers, queryParams,
            pathParams: wanted.id === null ? {} : { id: wanted.id }, data: wanted.body ?? undefined,
        });
    }
}

main().catch((error) => { console.error(error); process.exit(1); });
