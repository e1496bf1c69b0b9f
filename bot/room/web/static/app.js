// The one script of Coxswain's pages. It sends what people say, shows what comes by
// server-sent events (already rendered and escaped by the server) and helps with
// typing. Without it pages can still be read.
'use strict';
(() => {
  const $ = (sel, root = document) => root.querySelector(sel);
  const body = document.body, words = body.dataset;

  // --- small helpers -------------------------------------------------------
  const toast = (text) => {
    const t = $('#toast');
    t.textContent = text;
    t.classList.add('on');
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => t.classList.remove('on'), 3500);
  };
  const keep = (name, value) => {
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`;
  };
  const newID = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
  const post = (url, value) => fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value), keepalive: url === '/ui/read' });
  const fragment = (html) => {
    const t = document.createElement('template');
    t.innerHTML = html; // made by the server's templates, which escape
    return t.content.firstElementChild;
  };
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  // What the server writes instead of a secret; so do we.
  const HIDDEN = '••••';
  // What was said is the person's who said it: the next one in this tab is another.
  const forget = () => {
    try { sessionStorage.removeItem('said'); } catch { /* no storage, nothing kept */ }
  };

  // --- preferences ---------------------------------------------------------
  document.addEventListener('click', (e) => {
    const lang = e.target.closest('[data-setlang]');
    if (lang) {
      keep('coxswain_lang', lang.dataset.setlang);
      location.reload();
    }
    if (e.target.closest('[data-theme-switch]')) {
      const root = document.documentElement;
      const dark = root.dataset.theme === 'dark' || (root.dataset.theme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
      root.dataset.theme = dark ? 'light' : 'dark';
      keep('coxswain_theme', root.dataset.theme);
    }
  });

  // --- the way in ----------------------------------------------------------
  const door = $('#enter');
  if (door) {
    forget();
    enter();
  }
  async function enter() {
    const secret = location.hash.slice(1), state = $('#enter-state');
    if (!secret) return;
    history.replaceState(null, '', location.pathname + location.search);
    state.textContent = state.dataset.trying;
    try {
      const res = await post('/enter', { secret, next: door.dataset.next });
      const got = await res.json();
      if (res.ok) location.replace(got.next);
      else state.textContent = got.error;
    } catch {
      state.textContent = words.offline;
    }
  }
  if (door) addEventListener('hashchange', enter);
  if (!body.classList.contains('in')) return;
  const toDoor = () => { location.href = '/enter?next=' + encodeURIComponent(location.pathname + location.search); };
  document.addEventListener('submit', (e) => { if (e.target.getAttribute('action') === '/leave') forget(); });

  // A stream that fails does not say why. Who was signed out meanwhile is led to the
  // way in instead of waiting for good.
  async function askWhy() {
    try {
      if ((await fetch('/v1/healthz')).status === 401) toDoor();
    } catch { /* nobody is there: it was that */ }
  }
  window.coxswainAskWhy = askWhy;

  // --- saying something ----------------------------------------------------
  // inWords is the language that answers come in.
  const inWords = () => ({
    lang: document.documentElement.lang.startsWith('zh') ? 'zh' : 'en',
    langForced: /(^|; )coxswain_lang=/.test(document.cookie),
  });

  // The same message may be posted again after a failure: its id tells the server
  // that it is the same.
  async function say(room, message) {
    const value = { id: newID(), room, interactive: true, ...inWords(), ...message };
    for (let tries = 0; ; tries++) {
      let res;
      try {
        res = await post('/v1/messages', value);
      } catch {
        res = null;
      }
      if (res && res.ok) return { id: value.id, ...(await res.json()) };
      if (res && res.status === 401) {
        toDoor();
        throw new Error(words.out);
      }
      if (res && res.status < 500 && res.status !== 429) throw new Error(await whyNot(res));
      if (tries >= 8) throw new Error(words.offline);
      await wait(Math.min(500 * 2 ** tries, 5000));
    }
  }

  // whyNot are the server's words for a refusal.
  async function whyNot(res) {
    try {
      return (await res.json()).error.text || words.unsent;
    } catch {
      return words.unsent;
    }
  }

  // fields of a form as the server takes them: secrets and files go as references.
  async function filled(form) {
    const values = {}, refs = {};
    for (const field of form.elements) {
      if (!field.name || field.disabled) continue;
      if (field.type === 'file') {
        const file = field.files[0];
        if (!file) continue;
        if (file.size <= 200000) {
          refs[field.name] = { inline: btoa(Array.from(new Uint8Array(await file.arrayBuffer()), (b) => String.fromCharCode(b)).join('')), name: file.name };
        } else {
          const res = await fetch('/v1/uploads', { method: 'POST', body: file });
          if (!res.ok) throw new Error(await whyNot(res));
          refs[field.name] = { upload: (await res.json()).id, name: file.name };
        }
        values[field.name] = '@:' + field.name;
      } else if (field.value.trim() === '') {
        continue;
      } else if (field.type === 'password') {
        refs[field.name] = { inline: btoa(unescape(encodeURIComponent(field.value))) };
        values[field.name] = '@:' + field.name;
      } else {
        values[field.name] = field.value;
      }
    }
    return { text: form.dataset.command, values, refs };
  }

  // --- listening -----------------------------------------------------------
  // A browser keeps six connections to one server, for all of its tabs together.
  // Four of them may be streams that stay open; who has none of these looks in
  // every now and then. A place that is not refreshed is free again.
  const PLACES = 4, STALE = 6000;
  function place() {
    const mine = newID();
    let at = -1, timer = 0;
    const read = (i) => JSON.parse(localStorage.getItem('coxswain-stream-' + i) || '{}');
    const write = () => localStorage.setItem('coxswain-stream-' + at, JSON.stringify({ by: mine, seen: Date.now() }));
    const leave = () => {
      clearInterval(timer);
      if (at >= 0 && read(at).by === mine) localStorage.removeItem('coxswain-stream-' + at);
      at = -1;
    };
    const take = () => {
      for (let i = 0; at < 0 && i < PLACES; i++) {
        const held = read(i);
        if (held.by && Math.abs(Date.now() - held.seen) < STALE) continue;
        at = i;
        write();
        timer = setInterval(() => { if (read(at).by === mine) write(); else leave(); }, STALE / 3);
      }
      return at >= 0;
    };
    const safely = (f) => () => {
      try { return f(); } catch { return true; } // no storage: as if alone
    };
    addEventListener('pagehide', safely(leave));
    return { take: safely(take), leave: safely(leave) };
  }
  window.coxswainPlace = place;

  // listen follows a room from a cursor on. It comes back by itself, with the last
  // cursor that it saw, and rests while nobody looks at the page.
  function listen(room, cursor, on) {
    const mine = place();
    let source = null, timer = 0, tries = 0, ended = false;
    const close = () => {
      clearTimeout(timer);
      if (source) source.close();
      source = null;
      mine.leave();
    };
    const open = () => {
      close();
      if (ended) return;
      const stays = !on.seldom && mine.take();
      source = new EventSource(`/ui/events?room=${encodeURIComponent(room)}&after=${cursor}`);
      const seen = (e) => {
        if (e.lastEventId) cursor = Math.max(cursor, Number(e.lastEventId));
        tries = 0;
      };
      source.addEventListener('entry', (e) => {
        seen(e);
        on.entry(JSON.parse(e.data), cursor);
      });
      source.addEventListener('live', (e) => {
        seen(e);
        if (on.live) on.live(cursor);
        if (stays) return;
        close();
        timer = setTimeout(open, on.seldom || 1500);
      });
      source.addEventListener('out', (e) => {
        if (JSON.parse(e.data).out) toDoor();
        else location.href = '/';
      });
      source.addEventListener('rooms', async () => {
        close();
        await freshRooms();
        open();
      });
      source.onerror = () => {
        close();
        if (on.lost) on.lost();
        timer = setTimeout(open, Math.min(300 * 2 ** tries++, 5000));
        if (tries > 1) askWhy();
      };
    };
    const look = () => {
      clearTimeout(timer);
      if (document.visibilityState === 'visible') {
        if (!source) open();
      } else {
        timer = setTimeout(close, 20000);
      }
    };
    document.addEventListener('visibilitychange', look);
    open();
    return () => {
      ended = true;
      document.removeEventListener('visibilitychange', look);
      close();
    };
  }

  // put shows an entry in a feed: in its place when it is there already.
  function put(feed, e) {
    const el = fragment(e.html), old = document.getElementById(el.id);
    if (el.classList.contains('card')) el.setAttribute('aria-live', 'off'); // its end is told, not each step
    if (old && feed.contains(old)) {
      const form = old.querySelector('form.fill');
      if (form && form.contains(document.activeElement)) return el; // somebody is filling it in
      const focused = old.contains(document.activeElement) ? document.activeElement.dataset.command : null;
      old.replaceWith(el);
      if (focused) for (const b of el.querySelectorAll('[data-command]')) if (b.dataset.command === focused) b.focus();
      return el;
    }
    const pending = feed.querySelector(`[data-pending="${CSS.escape(e.id)}"]`);
    if (pending) pending.replaceWith(el);
    else feed.append(el);
    return el;
  }

  // asksSecret says whether the bot's last word in a feed is a question for a secret;
  // news that come in between leave it open.
  function asksSecret(feed) {
    const told = [...feed.querySelectorAll('.entry.bot[data-reply], .entry[data-secret]')].pop();
    return Boolean(told) && 'secret' in told.dataset;
  }
  // line is where the next words of a room are typed.
  const line = () => ($('#secret').hidden ? $('#text') : $('#secret'));

  const atEnd = (feed) => feed.scrollHeight - feed.scrollTop - feed.clientHeight < 80;
  const toEnd = (feed) => { feed.scrollTop = feed.scrollHeight; };

  // --- the room ------------------------------------------------------------
  const roomEl = $('#room');
  const room = roomEl ? roomEl.dataset.room : null;
  const feed = $('#feed');
  let heard = () => {}; // told of each entry that is shown in the room
  if (roomEl) {
    toEnd(feed);
    const newer = $('#newer');
    newer.addEventListener('click', () => { toEnd(feed); newer.hidden = true; });
    let resting = true; // at the end, and stays there when a keyboard takes half of the window
    feed.addEventListener('scroll', () => {
      resting = atEnd(feed);
      if (resting) newer.hidden = true;
    });
    new ResizeObserver(() => { if (resting) toEnd(feed); }).observe(feed);
    let marked = 0;
    const mark = (cursor) => {
      if (document.visibilityState !== 'visible' || cursor <= marked) return;
      marked = cursor;
      clearTimeout(mark.timer);
      mark.timer = setTimeout(tell, 400);
    };
    const tell = () => {
      mark.timer = 0;
      post('/ui/read', { room, cursor: marked }).catch(() => {});
    };
    addEventListener('pagehide', () => { // who leaves at once has read it as well
      if (!mark.timer) return;
      clearTimeout(mark.timer);
      tell();
    });
    listen(room, Number(roomEl.dataset.cursor), {
      entry: (e, cursor) => {
        if (e.room !== room) {
          if (!e.edited && !e.mine) unread(e.room);
          return;
        }
        const follow = atEnd(feed), w = $('#welcome');
        if (w) w.remove();
        heard(e, put(feed, e));
        if (follow) toEnd(feed);
        else if (!e.edited) newer.hidden = false;
        mark(cursor);
      },
      lost: () => body.classList.add('offline'),
      live: (cursor) => { body.classList.remove('offline'); mark(cursor); },
    });
  }
  let shownHere = 0; // cursor up to which the dialogue has shown one's own room
  if (!roomEl && words.home) {
    // other pages: the marks at the side only
    const none = () => {};
    fetch('/v1/healthz').then((r) => r.json()).then((h) => listen(words.home, h.cursor, {
      entry: (e, cursor) => { if (!e.edited && !e.mine && !(e.room === words.home && cursor <= shownHere)) unread(e.room); }, seldom: 5000,
    })).catch(none);
  }
  // freshRooms shows the rooms as they are now: one may have been made since the
  // page was.
  async function freshRooms() {
    const old = $('.rooms');
    if (!old) return;
    try {
      const page = new DOMParser().parseFromString(await (await fetch(location.pathname + location.search)).text(), 'text/html');
      const now = page.querySelector('.rooms'), at = old.contains(document.activeElement) ? document.activeElement.dataset.room : null;
      if (!now) return;
      old.replaceWith(document.adoptNode(now));
      if (at) for (const a of now.querySelectorAll('a')) if (a.dataset.room === at) a.focus();
    } catch { /* the next stream looks again */ }
  }
  function unread(name) {
    if (!document.querySelector(`a[data-room="${CSS.escape(name)}"]`)) return freshRooms();
    for (const a of document.querySelectorAll('[data-room]')) {
      if (a.dataset.room !== name || a.tagName !== 'A') continue;
      const mark = $('.unread', a), n = $('.n', mark), count = parseInt(n.textContent, 10) || 0;
      mark.hidden = false;
      n.textContent = count >= 99 ? '99+' : String(count + 1);
    }
  }

  async function sayHere(message, shown) {
    const p = document.createElement('article');
    p.className = 'entry person mine pending';
    p.innerHTML = '<p class="said"></p>';
    p.firstChild.textContent = shown;
    const id = message.id || newID();
    p.dataset.pending = id;
    feed.append(p);
    toEnd(feed);
    try {
      await say(room, { ...message, id });
    } catch (err) {
      p.remove();
      toast(err.message);
      return false;
    }
    return true;
  }

  // --- the dialogue on other pages -------------------------------------------
  // A button outside of a room asks in the visitor's own room and shows the answer,
  // with the same previews and confirmations.
  const dialog = $('#ask');
  let hush = null, opener = null, talk = 0;
  // endTalk leaves what is on its way for this dialogue without a place to go to.
  function endTalk() {
    talk++;
    if (hush) hush();
    hush = null;
  }
  // mask hides what is typed as long as a secret is asked for.
  function maskAsk(on) {
    const line = $('#ask-text'), type = on ? 'password' : 'text';
    if (line.type === type) return;
    if (!on) line.value = ''; // nor is it shown afterwards
    line.type = type;
    line.autocomplete = on ? 'new-password' : 'off';
  }
  function ask(message, title, by) {
    opener = by;
    endTalk();
    const feed = $('#ask-feed');
    feed.textContent = '';
    maskAsk(false);
    $('#ask-title').textContent = title;
    if (!dialog.open) dialog.showModal();
    askOn(message);
  }
  async function askOn(message) {
    const mine = talk, feed = $('#ask-feed'), mark = $(`.rooms [data-room="${CSS.escape(words.home)}"] .unread`);
    const upToDate = !mark || mark.hidden; // else there is more to read than what comes here
    try {
      const sent = await say(words.home, message);
      if (hush || mine !== talk) return;
      hush = listen(words.home, sent.cursor - 1, {
        entry: (e, cursor) => {
          if (!e.html) return;
          put(feed, e);
          maskAsk(asksSecret(feed));
          toEnd(feed);
          if (!upToDate) return;
          shownHere = cursor;
          post('/ui/read', { room: words.home, cursor }).catch(() => {});
        },
      });
    } catch (err) {
      toast(err.message);
    }
  }
  if (dialog) {
    dialog.addEventListener('close', () => {
      endTalk();
      if (!opener || !opener.isConnected) return;
      opener.disabled = false; // what is disabled cannot take the focus back
      opener.focus();
    });
    $('#ask-composer').addEventListener('submit', (e) => {
      e.preventDefault();
      const text = $('#ask-text').value.trim();
      if (!text) return;
      $('#ask-text').value = '';
      askOn({ text });
    });
  }

  // --- buttons and forms -----------------------------------------------------
  document.addEventListener('click', async (e) => {
    const b = e.target.closest('button');
    if (!b) return;
    if (b.hasAttribute('data-close')) b.closest('dialog').close();
    if (b.dataset.command) {
      b.disabled = true;
      const message = { text: b.dataset.command };
      if (b.closest('#ask-feed')) await askOn(message);
      else if (room) await sayHere(message, b.dataset.command);
      else ask(message, b.dataset.command, b);
      setTimeout(() => { b.disabled = false; }, 1500);
    }
    if (b.dataset.form) showForm(b.dataset.form);
    if (b.hasAttribute('data-dismiss')) dismiss(b);
    if (b.dataset.copy) copy(b.dataset.copy);
    if (b.hasAttribute('data-copy-code')) copy(b.closest('.code').querySelector('code').textContent);
    if (b.dataset.save) {
      const a = document.createElement('a');
      a.href = URL.createObjectURL(new Blob([b.closest('.code').querySelector('code').textContent], { type: 'text/plain' }));
      a.download = b.dataset.save;
      a.click();
      setTimeout(() => URL.revokeObjectURL(a.href), 1000);
    }
  });
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // no clipboard without TLS
      const t = document.createElement('textarea');
      t.value = text;
      document.body.append(t);
      t.select();
      document.execCommand('copy');
      t.remove();
    }
    toast(words.copied);
  }
  document.addEventListener('submit', async (e) => {
    const form = e.target.closest('form.fill');
    if (!form) return;
    e.preventDefault();
    let message;
    try {
      message = await filled(form);
    } catch (err) {
      toast(err.message);
      return;
    }
    const inDialog = form.closest('#ask-feed');
    const shown = [message.text, ...Object.entries(message.values).map(([k, v]) => `${k}=${v.startsWith('@:') ? HIDDEN : v}`)].join(' ');
    for (const f of form.elements) f.disabled = true;
    form.classList.add('sent');
    if (inDialog) await askOn(message);
    else if (room) {
      if (!(await sayHere(message, shown))) {
        for (const f of form.elements) f.disabled = false;
        form.classList.remove('sent');
        return;
      }
      const own = form.closest('[data-own-form]');
      if (own) own.remove();
      line().focus();
    } else ask(message, shown, null);
  });
  async function showForm(text) {
    const res = await post('/ui/form', { room: room || words.home, text }).catch(() => null);
    if (!res || res.status !== 200) {
      if (res && res.status === 204) toast('—');
      return;
    }
    const got = await res.json();
    const old = feed.querySelector('[data-own-form]');
    const form = fragment(got.html);
    if (old && old.firstElementChild.dataset.command === form.dataset.command) return show(old); // it may be half filled in
    if (old) old.remove();
    const holder = document.createElement('article');
    holder.className = 'entry bot';
    holder.dataset.ownForm = '1';
    holder.append(form);
    feed.append(holder);
    return show(holder);
  }
  function show(holder) {
    holder.scrollIntoView({ block: 'end' });
    const first = holder.querySelector('input:not([value]), input[value=""]') || holder.querySelector('input, select');
    if (first) first.focus({ preventScroll: true });
  }
  const dismiss = (el) => {
    const own = el.closest('[data-own-form]');
    if (!own) return;
    own.remove();
    line().focus();
  };
  const fresh = $('#newroom');
  if (fresh) {
    fresh.addEventListener('submit', (e) => {
      e.preventDefault();
      const name = fresh.elements.room.value.trim().toLowerCase();
      if (name) location.href = '/rooms/' + encodeURIComponent(name);
    });
  }
  document.addEventListener('keydown', (e) => {
    if (e.key === 'Escape' && $('#menu') && $('#menu').open) {
      $('#menu').open = false;
      $('#menu summary').focus();
    }
    if (e.key === 'Escape') dismiss(e.target);
    if (e.key === '/' && $('#text') && !e.target.closest('input, textarea, select')) {
      e.preventDefault();
      line().focus();
    }
  });

  // --- typing ----------------------------------------------------------------
  const text = $('#text'), secret = $('#secret'), options = $('#options');
  if (text) {
    let said = remembered();
    const unsure = new Map(); // what was said and is not in the transcript yet, by id
    let at = said.length, chosen = -1, serial = 0;
    const fit = () => {
      text.style.height = 'auto';
      text.style.height = Math.min(text.scrollHeight + 2, innerHeight * 0.4) + 'px';
    };
    const hide = () => {
      options.hidden = true;
      chosen = -1;
      text.setAttribute('aria-expanded', 'false');
      text.removeAttribute('aria-activedescendant');
    };
    const choose = (i) => {
      const all = options.children;
      if (chosen >= 0 && all[chosen]) all[chosen].setAttribute('aria-selected', 'false');
      chosen = (i + all.length) % all.length;
      all[chosen].setAttribute('aria-selected', 'true');
      all[chosen].scrollIntoView({ block: 'nearest' });
      text.setAttribute('aria-activedescendant', all[chosen].id);
    };
    const accept = (i) => {
      const word = options.children[i].dataset.word;
      text.value = text.value.replace(/\S*$/, '') + word + (/[=]$/.test(word) ? '' : ' ');
      hide();
      fit();
      text.focus();
      complete();
    };
    async function complete() {
      const mine = ++serial, typed = text.value;
      if (typed.includes('\n') || text.hidden) return hide();
      await wait(60);
      if (mine !== serial) return;
      let got = [];
      try {
        const res = await post('/v1/complete', { room, text: typed, ...inWords() });
        if (res.ok) got = (await res.json()).completions;
      } catch { /* typing goes on without */ }
      if (mine !== serial || document.activeElement !== text) return;
      const kept = chosen >= 0 && options.children[chosen].dataset.word; // who is faster than the answer
      options.textContent = '';
      got.slice(0, 40).forEach((c, i) => {
        const li = document.createElement('li'), w = document.createElement('span'), h = document.createElement('span');
        li.id = 'option-' + i;
        li.setAttribute('role', 'option');
        li.setAttribute('aria-selected', 'false');
        li.dataset.word = c.text;
        w.className = 'word';
        w.textContent = c.text;
        h.className = 'about';
        h.textContent = c.help || '';
        li.append(w, h);
        options.append(li);
      });
      chosen = -1;
      options.hidden = got.length === 0;
      text.setAttribute('aria-expanded', String(got.length > 0));
      text.removeAttribute('aria-activedescendant');
      const again = got.slice(0, 40).findIndex((c) => c.text === kept);
      if (again >= 0) choose(again);
    }
    options.addEventListener('mousedown', (e) => {
      const li = e.target.closest('li');
      e.preventDefault();
      if (li) accept([...options.children].indexOf(li));
    });
    const unchoose = () => {
      if (chosen >= 0 && options.children[chosen]) options.children[chosen].setAttribute('aria-selected', 'false');
      chosen = -1;
      text.removeAttribute('aria-activedescendant');
    };
    text.addEventListener('input', () => { unchoose(); fit(); complete(); });
    text.addEventListener('focus', () => { if (text.value) complete(); });
    text.addEventListener('blur', () => setTimeout(hide, 150));
    // What was said can be brought back. It outlives the page only once the transcript
    // shows it as it was typed: the server knows a secret when it sees one.
    function remembered() {
      try {
        const kept = JSON.parse(sessionStorage.getItem('said'));
        return kept.home === words.home ? kept.said : [];
      } catch {
        return [];
      }
    }
    function remember(id, typed) {
      if (said[said.length - 1] !== typed) said.push(typed);
      at = said.length;
      unsure.set(id, typed);
    }
    heard = (e, el) => {
      mask();
      const typed = unsure.get(e.id);
      if (!typed) return;
      unsure.delete(e.id);
      if ($('.said', el).textContent.includes(HIDDEN)) said = said.filter((s) => s !== typed);
      at = Math.min(at, said.length);
      const sure = said.filter((s) => ![...unsure.values()].includes(s));
      try { sessionStorage.setItem('said', JSON.stringify({ home: words.home, said: sure.slice(-50) })); } catch { /* no storage */ }
    };

    // A secret has a line of its own that shows dots, completes nothing and remembers
    // nothing. Such a line has no breaks; a key has, so they are kept as another sign.
    const BREAK = '\u2028';
    const unbroken = (s) => s.replace(/\r?\n/g, BREAK);
    function mask() {
      const on = asksSecret(feed);
      if (on !== secret.hidden) return;
      const from = on ? text : secret, to = on ? secret : text, held = document.activeElement === from;
      serial++;
      hide();
      to.value = on ? unbroken(text.value) : ''; // what was begun goes on unseen, and is not shown afterwards
      from.value = '';
      from.hidden = true;
      to.hidden = false;
      fit();
      if (held) to.focus();
    }
    secret.addEventListener('paste', (e) => {
      const pasted = e.clipboardData.getData('text');
      if (!pasted.includes('\n')) return;
      e.preventDefault();
      secret.setRangeText(unbroken(pasted), secret.selectionStart, secret.selectionEnd, 'end');
    });

    const send = async () => {
      const from = line(), unseen = from === secret, typed = from.value.replaceAll(BREAK, '\n').trim(), id = newID();
      if (!typed) return;
      serial++;
      hide();
      if (!unseen) remember(id, typed);
      from.value = '';
      fit();
      if (await sayHere({ text: typed, id }, unseen ? HIDDEN : typed)) return;
      if (!line().value && (!unseen || line() === secret)) line().value = line() === secret ? unbroken(typed) : typed;
    };
    text.addEventListener('keydown', (e) => {
      if (e.isComposing) return; // an input method has the key
      const open = !options.hidden;
      if (e.key === 'ArrowDown' && open) { e.preventDefault(); choose(chosen + 1); }
      else if (e.key === 'ArrowUp' && open && chosen >= 0) { e.preventDefault(); choose(chosen - 1); }
      else if (e.key === 'ArrowUp' && !text.value.includes('\n') && at > 0) {
        e.preventDefault();
        text.value = said[--at];
        fit();
        hide();
      } else if (e.key === 'ArrowDown' && !open && at < said.length) {
        e.preventDefault();
        text.value = said[++at] || '';
        fit();
      } else if (e.key === 'Tab' && !e.shiftKey && open) { e.preventDefault(); accept(Math.max(chosen, 0)); }
      else if (e.key === 'Escape' && open) { e.preventDefault(); hide(); }
      else if (e.key === 'Enter' && !e.shiftKey) {
        e.preventDefault();
        if (open && chosen >= 0) accept(chosen);
        else send();
      }
    });
    $('#composer').addEventListener('submit', (e) => { e.preventDefault(); send(); });
    $('#asform').addEventListener('click', () => showForm(text.value.trim() || 'cluster create'));
    const wanted = new URLSearchParams(location.search).get('say');
    if (wanted) text.value = wanted;
    mask();
    if (matchMedia('(min-width: 761px)').matches) line().focus();
  }
})();
