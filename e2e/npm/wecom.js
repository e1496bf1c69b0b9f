// The vendor's own clients for WeCom, driven by the tests of bot/wecom and of
// bot/bottest/fakewecom.
//   node wecom.js crypto             reads a list of operations, prints their results
//   node wecom.js aibot URL ID SECRET  plays a bot that does what it is told
"use strict";

const say = (what, more) => console.log(JSON.stringify({ what, ...more }));

// Each operation is done by @wecom/crypto.
function crypto() {
  const wecom = require("@wecom/crypto");
  const operations = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const results = operations.map((o) => {
    switch (o.op) {
      case "sign":
        return { signature: wecom.getSignature(o.token, o.timestamp, o.nonce, o.encrypted) };
      case "encrypt":
        return { encrypted: wecom.encrypt(o.key, o.message, o.id) };
      case "decrypt": {
        const { message, id } = wecom.decrypt(o.key, o.encrypted);
        return { message, id };
      }
      default:
        throw new Error("unknown operation " + o.op);
    }
  });
  console.log(JSON.stringify(results));
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

const card = (task, title) => ({
  card_type: "button_interaction",
  main_title: { title },
  button_list: [{ text: "confirm", key: "confirm-key" }],
  task_id: task,
});

// What a user can tell the bot to do; each throws when the fake is not as WeCom.
function deeds(client, frame) {
  const user = frame.body.from.userid;
  return {
    async stream() {
      await client.replyStream(frame, "stream-1", "working", false);
      await client.replyStream(frame, "stream-1", "done", true);
    },
    async late() {
      await client.replyStream(frame, "stream-2", "done", true);
      await client.replyStream(frame, "stream-2", "too late", true);
    },
    card: () => client.replyTemplateCard(frame, card("task-1", "sure?")),
    async both() {
      await client.replyStreamWithCard(frame, "stream-3", "working", false, { templateCard: card("task-2", "stop?") });
      await client.replyStreamWithCard(frame, "stream-3", "done", true);
    },
    push: () => client.sendMessage(user, { msgtype: "markdown", markdown: { content: "**news**" } }),
    async upload() {
      const { media_id } = await client.uploadMedia(Buffer.alloc(600 * 1024, "x"), { type: "file", filename: "log.txt" });
      await client.sendMediaMessage(user, "file", media_id);
    },
    foreign: () => client.replyStream({ headers: { req_id: "no-such-request" } }, "stream-4", "hello", true),
  };
}

function aibot(wsUrl, botId, secret) {
  const { WSClient } = require("@wecom/aibot-node-sdk");
  const client = new WSClient({ botId, secret, wsUrl, logger: quiet, reconnectInterval: 50, heartbeatInterval: 1000, maxAuthFailureAttempts: 1 });
  client.on("authenticated", () => say("authenticated"));
  client.on("error", (err) => say("error", { message: err.message }));
  client.on("disconnected", () => say("disconnected"));
  client.on("message.text", async (frame) => {
    const what = frame.body.text.content;
    try {
      await deeds(client, frame)[what]();
      say("did", { deed: what, msgid: frame.body.msgid, reqId: frame.headers.req_id });
    } catch (err) {
      say("failed", { deed: what, errcode: err.errcode, message: String(err.message || err.errmsg) });
    }
  });
  client.on("event.enter_chat", async (frame) => {
    await client.replyWelcome(frame, { msgtype: "text", text: { content: "welcome" } });
    say("welcomed");
  });
  client.on("event.template_card_event", async (frame) => {
    const { event_key, task_id } = frame.body.event;
    await client.updateTemplateCard(frame, { ...card(task_id, "thanks"), task_id });
    say("pressed", { key: event_key, task: task_id });
  });
  client.on("event.disconnected_event", () => {
    say("replaced");
    setTimeout(() => { say("over", { connected: client.isConnected }); process.exit(0); }, 300);
  });
  process.stdin.on("end", () => process.exit(0)).resume();
  client.connect();
}

const [mode, ...args] = process.argv.slice(2);
({ crypto, aibot })[mode](...args);
