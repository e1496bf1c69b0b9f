// Package fakeslack is a fake of Slack, at the wire: the Web API, the Socket Mode
// gateway and the calls that Slack makes to an app's request URL. It is not Slack;
// it models, from Slack's documents (docs.slack.dev, the pages on the Events API,
// Socket Mode, verifying requests, Block Kit, modals, App Home, rate limits and
// the named methods) and from the source of Slack's own clients:
//
//   - bearer and form tokens, scopes, X-OAuth-Scopes, ok:false with HTTP 200;
//   - chat.postMessage, chat.update, chat.postEphemeral, conversations.open,
//     users.info, views.open, views.publish, the three steps of an upload, files
//     with private addresses, auth.test, apps.connections.open;
//   - the sizes of Block Kit (blocks, sections, headers, buttons, fields, modals)
//     and about 13,000 characters over all blocks of a message;
//   - one message a second and channel, with a burst, and the methods' tiers:
//     429 with Retry-After;
//   - Socket Mode: hello, WebSocket pings, envelopes to any one of up to ten
//     connections, three seconds for an acknowledgement, disconnect with warning
//     and refresh;
//   - HTTP: url_verification, the v0 signature, retry headers;
//   - redelivery with the same event_id; triggers that open one view within three
//     seconds.
//
// Left out: what an app of ours does not use. A method that is not modelled
// answers unknown_method.
//
// It is proven by Slack's own clients: see vendor_test.go.
//
// How to add one more method: an entry in Fake.methods. A fault: a field in faults
// and the one place that asks for it.
//
// What it must never do: be imported by anything but tests; accept what Slack
// refuses.
package fakeslack
