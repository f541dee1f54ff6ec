'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const verdict = data.verdict;
  // All times on the page are seconds from t0; in the data they are from the origin.
  const t0 = data.t0;
  for (const e of data.events) e.t -= t0;
  for (const band of data.bands) [band.from, band.to] = [band.from - t0, band.to - t0];
  for (const meter of data.meters) meter.t = meter.t.map((t) => t - t0);
  for (const probe of data.probes) probe.t = probe.t.map((t) => t - t0);
  const begin = -t0, end = data.length - t0;
  const byId = (id) => document.getElementById(id);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const seconds = (t) => t.toFixed(3);

  // Everything that comes from a file or a server is put in as text, never as markup.
  const cell = (row, text, cls) => {
    const td = row.insertCell();
    td.textContent = text === null || text === undefined ? '' : String(text);
    if (cls) td.className = cls;
  };
  const item = (list, text) => {
    const li = document.createElement('li');
    li.textContent = text;
    list.append(li);
  };

  const head = () => {
    document.title = `${verdict.verdict}: ${verdict.experiment}`;
    const badge = byId('verdict');
    badge.textContent = verdict.verdict.toUpperCase();
    badge.classList.add(verdict.verdict);
    byId('name').textContent = verdict.experiment;
    byId('title').textContent = data.title;
    byId('reason').textContent = verdict.reason;
    const proved = verdict.faults.filter((f) => f.proved).length;
    const met = verdict.expectations.filter((e) => e.outcome === 'held').length;
    item(byId('parts'), `injection proved: ${proved} of ${verdict.faults.length}`);
    item(byId('parts'), `host restored: ${verdict.restored ? 'yes' : 'NO'}`);
    item(byId('parts'), `expectations met: ${met} of ${verdict.expectations.length}`);
    item(byId('parts'), `baseline held: ${verdict.baseline ? 'yes' : 'no, ' + verdict.baseline_why}`);
    item(byId('parts'), `exit code: ${verdict.exit_code}`);
    byId('about').textContent = `blackstart ${data.version}, seed ${data.seed}, begun ${data.origin}`;
    const worst = { deviated: 0, inconclusive: 1, held: 2 };
    const rows = verdict.expectations.map((e, i) => [e, data.titles[i]]).sort((a, b) => worst[a[0].outcome] - worst[b[0].outcome]);
    for (const [e, title] of rows) {
      const row = byId('expectations').tBodies[0].insertRow();
      cell(row, e.outcome, `outcome ${e.outcome}`);
      for (const text of [title, e.observed, e.limit, e.samples, e.at === null ? '' : `${e.at.toFixed(3)} s`, e.why]) cell(row, text);
    }
    for (const f of verdict.faults) {
      const row = byId('faults').tBodies[0].insertRow();
      for (const text of [f.name, f.target, f.hits, f.proved ? 'yes' : `no: ${f.why}`]) cell(row, text);
    }
  };

  // ---- charts ------------------------------------------------------------------------------------------------------

  const charts = [];
  let range = [begin, end];
  let setting = false;
  const show = (from, to) => {
    const width = Math.min(Math.max(to - from, (end - begin) / 5000, 1e-3), end - begin);
    const start = Math.min(Math.max(from, begin), end - width);
    range = [start, start + width];
    setting = true;
    for (const chart of charts) chart.setScale('x', { min: range[0], max: range[1] });
    setting = false;
  };

  // Bands where a fault was in force, a line at t0 and at each thing that something did.
  const overlay = (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    const x = (t) => u.valToPos(t, 'x', true);
    ctx.fillStyle = css('--band');
    for (const band of data.bands) ctx.fillRect(x(band.from), bbox.top, Math.max(x(band.to) - x(band.from), 1), bbox.height);
    const line = (t, colour, dash) => {
      ctx.strokeStyle = colour;
      ctx.setLineDash(dash);
      ctx.beginPath();
      ctx.moveTo(x(t), bbox.top);
      ctx.lineTo(x(t), bbox.top + bbox.height);
      ctx.stroke();
    };
    line(0, css('--soft'), [4, 4]);
    for (const e of data.events) if (['guard', 'service', 'lost', 'interrupted'].includes(e.kind)) line(e.t, css('--mark'), [2, 3]);
    ctx.restore();
  };

  const axes = (label) => [
    { stroke: css('--soft'), grid: { stroke: css('--line') }, ticks: { stroke: css('--line') }, values: (u, ticks) => ticks.map((t) => `${+t.toFixed(3)} s`) },
    { stroke: css('--soft'), grid: { stroke: css('--line') }, ticks: { stroke: css('--line') }, size: 70, values: label },
  ];
  const x_series = { label: 's from t0', value: (u, t) => (t === null ? '' : seconds(t)) };

  const chart = (caption, about, series, columns, label, extra) => {
    const figure = document.createElement('figure');
    const text = document.createElement('figcaption');
    const small = document.createElement('span');
    text.textContent = caption + ' ';
    small.textContent = about;
    text.append(small);
    figure.append(text);
    figure.tabIndex = 0;
    byId('charts').append(figure);
    const made = new uPlot({
      width: figure.clientWidth || 900, height: 170, series: [x_series, ...series], axes: axes(label),
      scales: { x: { time: false, min: begin, max: end }, y: extra && extra.y ? extra.y : {} },
      cursor: { sync: { key: 'run' } },
      hooks: { drawClear: [overlay], setScale: [(u, key) => { if (key === 'x' && !setting) show(u.scales.x.min, u.scales.x.max); }] },
    }, columns, figure);
    figure.addEventListener('keydown', (event) => {
      const width = range[1] - range[0], middle = (range[0] + range[1]) / 2;
      const moves = { '+': () => show(middle - width / 4, middle + width / 4), '-': () => show(middle - width, middle + width), '0': () => show(begin, end),
        ArrowLeft: () => show(range[0] - width / 4, range[1] - width / 4), ArrowRight: () => show(range[0] + width / 4, range[1] + width / 4) };
      if (!moves[event.key]) return;
      event.preventDefault();
      moves[event.key]();
    });
    charts.push(made);
  };

  const duration = (ms) => (ms === null || ms === undefined ? '' : ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms < 10 ? 2 : 0)} ms`);

  // Latency of ok observations as points, failures on a row of their own at the top.
  const probe_chart = (probe) => {
    const times = probe.t, ok = [], failed = [];
    let worst = 0;
    for (let i = 0; i < times.length; i++) if (probe.ok[i] === '1') worst = Math.max(worst, probe.latency[i]);
    const top = worst > 0 ? worst * 1.15 : 1;
    let good = 0;
    for (let i = 0; i < times.length; i++) {
      const fine = probe.ok[i] === '1';
      good += fine ? 1 : 0;
      ok.push(fine ? probe.latency[i] : null);
      failed.push(fine ? null : top);
    }
    const points = (stroke, size) => ({ paths: () => null, points: { show: true, size, fill: stroke, stroke, filter: null } });
    chart(probe.name, `${good} of ${times.length} ok`, [
      { label: 'latency', value: (u, ms) => duration(ms), stroke: css('--latency'), ...points(css('--latency'), 4) },
      { label: 'failed', value: (u, v) => (v === null ? '' : 'failed'), stroke: css('--deviated'), ...points(css('--deviated'), 6) },
    ], [times, ok, failed], (u, ticks) => ticks.map(duration), { y: { range: [0, top * 1.05] } });
  };

  // Values: numbers as they are; sets and words as steps between the distinct ones, named on the axis.
  const value_chart = (probe) => {
    const numbers = probe.values.every((v) => v === null || typeof v === 'number');
    const names = numbers ? [] : [...new Set(probe.values.filter((v) => v !== null))];
    const column = numbers ? probe.values : probe.values.map((v) => (v === null ? null : names.indexOf(v)));
    const name = (v) => (v === null || v === undefined ? '' : numbers ? String(v) : Number.isInteger(v) && v >= 0 && v < names.length ? (names[v] === '' ? '(empty)' : names[v]) : '');
    chart(`${probe.name}: value`, numbers ? '' : `${names.length} distinct`, [
      { label: 'value', value: (u, v) => name(v), stroke: css('--value'), width: 2, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false }, spanGaps: true },
    ], [probe.t, column], (u, ticks) => ticks.map((v) => name(v).slice(0, 9)), numbers ? undefined : { y: { range: [-0.5, Math.max(names.length - 0.5, 0.5)] } });
  };

  const meter_chart = (meter) => {
    chart(`${meter.name}: a second`, meter.counts, [
      { label: 'a second', value: (u, v) => (v === null ? '' : String(v)), stroke: css('--value'), width: 2, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } },
    ], [meter.t, meter.rate], (u, ticks) => ticks.map(String), { y: { range: (u, low, high) => [0, Math.max(high, 1) * 1.1] } });
  };

  const timeline = () => {
    for (const band of data.bands) item(byId('legend'), `${band.fault} on ${band.target}: ${seconds(band.from)} s to ${seconds(band.to)} s`);
    for (const probe of data.probes) {
      if (probe.t.length === 0) continue;
      probe_chart(probe);
      if (probe.values) value_chart(probe);
    }
    for (const meter of data.meters) if (meter.t.length > 0) meter_chart(meter);
    byId('whole').addEventListener('click', () => show(begin, end));
    addEventListener('resize', () => { for (const c of charts) c.setSize({ width: c.root.parentElement.clientWidth, height: 170 }); });
  };

  // ---- the table of raw events ---------------------------------------------------------------------------------------

  const page = 500;
  const events = () => {
    let rows = [], shown = 0;
    const observations = () => data.probes.flatMap((p) => p.t.map((t, i) => ({ t, kind: 'observation', about: p.name,
      what: `${p.ok[i] === '1' ? 'ok' : data.whys[p.why[i]] || 'failed'}, ${duration(p.latency[i])}${p.values && p.values[i] !== null ? ', value ' + p.values[i] : ''}` })));
    const body = byId('events').tBodies[0];
    const more = () => {
      for (const e of rows.slice(shown, shown + page)) {
        const row = body.insertRow();
        for (const text of [seconds(e.t), e.kind, e.about, e.what]) cell(row, text);
      }
      shown = Math.min(shown + page, rows.length);
      byId('count').textContent = `${shown} of ${rows.length}`;
      byId('more').hidden = shown === rows.length;
    };
    const fill = () => {
      const word = byId('search').value.toLowerCase();
      rows = byId('with-observations').checked ? data.events.concat(observations()).sort((a, b) => a.t - b.t) : data.events;
      if (word) rows = rows.filter((e) => `${e.kind} ${e.about} ${e.what}`.toLowerCase().includes(word));
      body.replaceChildren();
      shown = 0;
      more();
    };
    byId('more').addEventListener('click', more);
    byId('with-observations').addEventListener('change', fill);
    byId('search').addEventListener('input', fill);
    fill();
  };

  head();
  timeline();
  events();
  document.body.dataset.ready = 'yes';
})();
