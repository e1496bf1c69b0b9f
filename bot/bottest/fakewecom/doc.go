// Package fakewecom is a fake of WeCom (企业微信) at the wire: the server API of a
// self-built application, the callbacks that it receives, and the gateway and the
// callbacks of an AI bot (智能机器人). It is no WeCom: it models what the vendor's
// documents ("发送应用消息", "更新模版卡片消息", "上传临时素材", "加解密方案",
// "智能机器人长连接", "接收消息", "被动回复消息", "全局错误码") and the vendor's own
// clients say, and enforces their limits: sizes in bytes, 30 messages a minute to a
// member (dropped without a word) and in a bot's chat (errcode), a card's code
// that works once within 72 hours, one connection of which the newest wins, one
// answer at a time to a req_id, six minutes for a stream, five seconds for the
// update of a pressed card. The vendor's own client talks to it in its tests.
//
// How to add one more call: a case in api.go, or in gateway.go for the
// connection. One more fault: a method in faults.go.
//
// What it must never do: import the adapter (each proves the other); be imported
// by anything but tests; listen beyond the loopback.
package fakewecom
