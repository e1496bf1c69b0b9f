// The script of the pages: clocks that go on, the part of an operation's page
// that changes, and its log. It changes nothing on the server.
(() => {
  'use strict';
  const $ = (sel, el) => (el || document).querySelector(sel);
  const all = (sel, el) => (el || document).querySelectorAll(sel);
  const page = $('[data-units]') || document.body;

  // --- clocks ----------------------------------------------------------------
  const units = (page.dataset.units || 'd h min s').split(' ');
  let skew = 0; // this machine's clock less the server's
  const setClock = (at) => { if (at) skew = Date.now() - Number(at); };
  const now = () => Date.now() - skew;

  // duration writes the two largest parts, as the server does.
  function duration(ms) {
    const s = Math.max(0, Math.round(ms / 1000));
    const parts = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60, s % 60];
    let i = 0;
    while (i < 3 && !parts[i]) i++;
    let out = `${parts[i]} ${units[i]}`;
    if (i < 3 && parts[i + 1]) out += ` ${parts[i + 1]} ${units[i + 1]}`;
    return out;
  }
  const say = (el, text) => { if (el.textContent !== text) el.textContent = text; };
  function tick() {
    for (const el of all('[data-since]')) say(el, duration(now() - el.dataset.since));
    for (const el of all('[data-until]')) {
      const left = el.dataset.until - now();
      say(el, left < 500 ? el.dataset.late : duration(left));
    }
    for (const line of all('.timeline[data-rate]')) {
      for (const bar of all('[data-start]', line)) {
        const x = parseFloat(bar.getAttribute('x'));
        const width = Math.min(100 - x, Math.max(0.4, (now() - bar.dataset.start) * line.dataset.rate));
        bar.setAttribute('width', width.toFixed(2) + '%');
        const name = bar.nextElementSibling;
        if (name && name.classList.contains('after')) name.setAttribute('x', (x + width).toFixed(2) + '%');
      }
    }
  }
  const dated = $('[data-at]');
  if (dated) setClock(dated.dataset.at);
  setInterval(tick, 500);

  // --- parts that come later -------------------------------------------------
  const parse = (html) => {
    const t = document.createElement('template');
    t.innerHTML = html;
    return t.content;
  };
  async function load(el) {
    el.setAttribute('aria-busy', 'true');
    try {
      const res = await fetch(el.dataset.lazy, { headers: { Accept: 'text/html' } });
      if (!res.ok) throw new Error(res.status);
      el.replaceChildren(parse(await res.text()));
    } catch {
      const loading = $('[data-loading]', el);
      if (loading) loading.textContent = el.dataset.failed;
    }
    el.removeAttribute('aria-busy');
  }
  all('[data-lazy]').forEach(load);
  document.addEventListener('click', async (e) => {
    const b = e.target.closest('[data-reload]');
    if (!b) return;
    b.disabled = true;
    await load($(b.dataset.reload));
    const again = $(`[data-reload="${b.dataset.reload}"]`);
    if (again) again.focus();
  });
  for (const form of all('form[data-auto]')) form.addEventListener('change', () => form.requestSubmit());

  // --- the part that changes -------------------------------------------------
  // morph makes a look like b and keeps the elements that stay, so that focus,
  // selection and what was opened stay too.
  function morph(a, b) {
    if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName) return a.replaceWith(b);
    if (a.nodeType !== Node.ELEMENT_NODE) {
      if (a.data !== b.data) a.data = b.data;
      return undefined;
    }
    for (const { name } of [...a.attributes]) if (!b.hasAttribute(name) && name !== 'open') a.removeAttribute(name);
    for (const { name, value } of [...b.attributes]) if (a.getAttribute(name) !== value) a.setAttribute(name, value);
    return morphChildren(a, b);
  }
  function morphChildren(a, b) {
    const from = [...a.childNodes], to = [...b.childNodes];
    to.forEach((n, i) => (i < from.length ? morph(from[i], n) : a.append(n)));
    from.slice(to.length).forEach((n) => n.remove());
  }

  const stream = $('[data-stream]'), offline = $('main [data-offline]');
  const onLog = []; // told of the number of the newest line
  let source = null, retry = null, tries = 0;
  const connected = () => source && source.readyState === EventSource.OPEN;
  // A browser keeps few connections to one server: a tab without a place among
  // them looks in every now and then.
  const mine = window.coxswainPlace ? window.coxswainPlace() : { take: () => true, leave() {} };
  function rest() {
    clearTimeout(retry);
    if (source) source.close();
    mine.leave();
  }
  function connect() {
    rest();
    const stays = mine.take();
    source = new EventSource(`${stream.dataset.stream}?after=${encodeURIComponent(stream.dataset.position)}`);
    const seen = (e) => { if (e.lastEventId) stream.dataset.position = e.lastEventId; };
    source.onopen = () => {
      tries = 0;
      offline.hidden = true;
    };
    source.addEventListener('state', (e) => {
      seen(e);
      const fresh = document.createElement('div');
      fresh.append(parse(e.data));
      morphChildren($('[data-live]'), fresh);
      setClock($('[data-live] [data-at]').dataset.at);
      tick();
    });
    source.addEventListener('log', (e) => {
      seen(e);
      onLog.forEach((f) => f(JSON.parse(e.data).last));
    });
    source.addEventListener('live', () => {
      if (stays) return;
      rest();
      retry = setTimeout(connect, 1500);
    });
    source.addEventListener('out', () => location.reload());
    source.onerror = () => {
      if (++tries > 1) {
        offline.hidden = false;
        if (window.coxswainAskWhy) window.coxswainAskWhy();
      }
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(connect, Math.min(15000, 1000 * 2 ** Math.min(tries, 4)));
    };
  }
  if (stream) {
    connect();
    // Tabs that nobody sees give their connections back.
    document.addEventListener('visibilitychange', () => (document.hidden ? rest() : connect()));
    addEventListener('pagehide', rest);
    addEventListener('pageshow', (e) => { if (e.persisted) connect(); });
  }

  // --- the log ---------------------------------------------------------------
  const ROW = 20; // pixels, as the style says
  const PAGE = 500; // lines a request
  const KEEP = 30; // requests' worth of lines that are kept
  const TALL = 8e6; // pixels that every browser can scroll

  function openLog(box) {
    const view = $('[data-log-view]', box), space = $('[data-log-space]', box), rows = $('[data-log-rows]', box);
    const phase = $('[data-log-phase]', box), node = $('[data-log-node]', box), query = $('[data-log-q]', box);
    const count = $('[data-log-count]', box), follow = $('[data-log-follow]', box), download = $('[data-log-download]', box);
    const names = new Map([...phase.options].map((o) => [o.value, o.text]));
    const note = document.createElement('p');
    note.className = 'log-say';
    note.hidden = true;
    space.append(note);
    const pages = new Map(), asked = new Map();
    let total = 0, last = 0, era = 0, drawn = '', wide = 0, settle = null, frame = 0;
    let following = follow.getAttribute('aria-pressed') === 'true';

    const filter = () => {
      const p = new URLSearchParams();
      if (phase.value) p.set('phase', phase.value);
      if (node.value) p.set('node', node.value);
      if (query.value.trim()) p.set('q', query.value.trim());
      return p;
    };
    async function ask(offset, limit, signal) {
      const p = filter();
      if (limit) p.set('known', total);
      p.set('offset', offset);
      p.set('limit', limit);
      const res = await fetch(`${box.dataset.log}?${p}`, { signal });
      if (!res.ok) throw new Error(res.status);
      return res.json();
    }
    const trouble = (on) => {
      note.hidden = !on && total > 0;
      view.classList.toggle('empty', total === 0);
      note.textContent = on ? box.dataset.trouble : [...filter()].length ? box.dataset.none : box.dataset.empty;
    };

    // fresh learns how many lines there are. Several calls at a time are one.
    let counting = null, again = false;
    async function fresh() {
      if (counting) {
        again = true;
        return counting;
      }
      const mine = era;
      const asking = (async () => {
        try {
          const a = await ask(0, 0);
          if (mine !== era) return;
          if (a.total !== total) pages.delete(Math.floor(Math.min(total, a.total) / PAGE)); // it was not full
          total = a.total;
          last = a.last || 0;
          count.textContent = a.words;
          trouble(false);
          grow();
        } catch {
          if (mine === era) {
            trouble(true);
            setTimeout(fresh, 2000);
          }
        }
      })();
      counting = asking;
      await asking;
      if (counting !== asking) return undefined; // another filter began meanwhile
      counting = null;
      if (again) {
        again = false;
        setTimeout(fresh, 300);
      }
      return undefined;
    }
    const height = () => Math.min(total * ROW, TALL);
    function grow() {
      space.style.height = `${Math.max(height(), 1)}px`;
      if (following) toEnd();
      draw(true);
    }
    const toEnd = () => { view.scrollTop = height(); };
    const atEnd = () => view.scrollTop + view.clientHeight >= height() - 2 * ROW;

    // where says which lines are in sight: beyond what a browser can scroll, a
    // pixel stands for more than a line's part.
    function where() {
      const h = view.clientHeight, real = total * ROW;
      const scale = real > TALL ? (real - h) / (TALL - h) : 1;
      const at = view.scrollTop * scale;
      const from = Math.max(0, Math.floor(at / ROW) - 8);
      return { from, to: Math.min(total, Math.ceil((at + h) / ROW) + 8), shift: view.scrollTop - at };
    }
    function draw(force) {
      const { from, to, shift } = where();
      rows.style.transform = `translateY(${from * ROW + shift}px)`;
      const key = `${from}-${to}`;
      if (!force && key === drawn) return;
      drawn = key;
      const out = [];
      for (let i = from; i < to; i++) out.push(row(lineAt(i)));
      rows.replaceChildren(...out);
      wide = Math.max(wide, rows.scrollWidth);
      space.style.minWidth = wide > view.clientWidth ? `${wide}px` : '100%';
      clearTimeout(settle); // who drags past a place does not want to read it
      const first = Math.floor(from / PAGE), end = Math.floor(Math.max(from, to - 1) / PAGE);
      for (const [i, stop] of asked) {
        if (i < first - 1 || i > end + 1) {
          stop.abort();
          asked.delete(i);
        }
      }
      settle = setTimeout(() => { for (let i = first; i <= end; i++) fetchPage(i); }, pages.size ? 40 : 0);
    }
    const lineAt = (i) => {
      const p = pages.get(Math.floor(i / PAGE));
      return p && p[i % PAGE];
    };
    async function fetchPage(i) {
      if (asked.has(i) || i * PAGE >= total) return;
      const had = pages.get(i);
      if (had && had.length >= Math.min(PAGE, total - i * PAGE)) return;
      const mine = era, stop = new AbortController();
      asked.set(i, stop);
      try {
        const a = await ask(i * PAGE, PAGE, stop.signal);
        if (mine !== era) return;
        pages.delete(i); // so that it becomes the newest
        pages.set(i, a.lines);
        while (pages.size > KEEP) pages.delete(pages.keys().next().value);
        draw(true);
      } catch (err) {
        if (err.name !== 'AbortError' && mine === era) setTimeout(() => draw(true), 2000);
      } finally {
        if (asked.get(i) === stop) asked.delete(i);
      }
    }
    const span = (cls, text) => {
      const s = document.createElement('span');
      s.className = cls;
      s.textContent = text;
      return s;
    };
    function row(l) {
      const el = document.createElement('div');
      el.className = 'log-row';
      if (!l) {
        el.append(span('log-at', '…'));
        return el;
      }
      el.append(span('log-at', l.time), span('log-node', l.node || '–'), span('log-phase', names.get(l.phase) || l.phase));
      const text = span('log-text', '');
      marked(text, l.line, query.value.trim().toLowerCase());
      el.append(text);
      if (l.cut) {
        const more = span('log-more', ' …');
        more.title = box.dataset.cut;
        el.append(more);
      }
      return el;
    }
    function marked(el, line, word) {
      const low = line.toLowerCase();
      let at = 0, hit;
      while (word && low.length === line.length && (hit = low.indexOf(word, at)) >= 0) {
        const m = document.createElement('mark');
        m.textContent = line.slice(hit, hit + word.length);
        el.append(line.slice(at, hit), m);
        at = hit + word.length;
      }
      el.append(line.slice(at));
    }

    function setFollow(on) {
      following = on;
      follow.setAttribute('aria-pressed', String(on));
      if (on) toEnd();
    }
    follow.addEventListener('click', () => setFollow(!following));
    view.addEventListener('scroll', () => {
      if (following && !atEnd()) setFollow(false); // who scrolls up wants to read
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => draw(false));
    }, { passive: true });
    new ResizeObserver(() => draw(true)).observe(view);

    // refilter begins anew with another filter.
    function refilter(top) {
      era++;
      pages.clear();
      asked.forEach((stop) => stop.abort());
      asked.clear();
      total = wide = 0;
      counting = null;
      again = false;
      const p = filter();
      download.href = `${box.dataset.log}.txt${[...p].length ? '?' + p : ''}`;
      view.classList.toggle('one-node', Boolean(node.value));
      view.classList.toggle('one-phase', Boolean(phase.value));
      view.scrollTo(0, 0);
      return fresh().then(() => { if (!top && !following) toEnd(); });
    }
    function keepInAddress() {
      const p = filter();
      history.replaceState(null, '', [...p].length ? '#' + p : location.pathname + location.search);
    }
    let typing = null;
    const chosen = () => {
      keepInAddress();
      refilter(true);
    };
    phase.addEventListener('change', chosen);
    node.addEventListener('change', chosen);
    query.addEventListener('input', () => {
      clearTimeout(typing);
      typing = setTimeout(chosen, 250);
    });
    const choose = (select, value) => {
      if (value && ![...select.options].some((o) => o.value === value)) select.add(new Option(value, value));
      select.value = value;
    };
    // fromAddress takes the filter of #phase=…&node=…&q=…
    function fromAddress() {
      const p = new URLSearchParams(location.hash.slice(1));
      if (!['phase', 'node', 'q'].some((k) => p.has(k))) return false;
      choose(phase, p.get('phase') || '');
      choose(node, p.get('node') || '');
      query.value = p.get('q') || '';
      return true;
    }
    function jump() {
      if (!fromAddress()) return;
      refilter(true);
      box.scrollIntoView({ block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
      view.focus({ preventScroll: true });
    }
    addEventListener('hashchange', jump);
    document.addEventListener('click', (e) => { // the same link once more is no change of the address
      const a = e.target.closest('a[href^="#phase="]');
      if (a && decodeURIComponent(location.hash) === decodeURIComponent(a.getAttribute('href'))) jump();
    });
    onLog.push((newest) => { if (newest > last) fresh(); });
    setInterval(() => { if (following && !document.hidden && !connected()) fresh(); }, 3000);
    const linked = fromAddress();
    refilter(linked);
    if (linked) box.scrollIntoView({ block: 'start' });
  }
  all('[data-log]').forEach(openLog);
})();
