// hotspots: where to look, in what order, how sure, and on what. The map needs no internet.
import { h, show, empty } from './dom.js';
import { short, date } from './time.js';
import * as api from './api.js';

const LAYERS = [
  ['sensors', 'Alarmed locks', 'Alarms and tampers per hour that the locks were awake. A square without a lock is not here: not watched is not quiet.'],
  ['reports', 'Reports', 'What people have reported, smoothed over neighbouring squares and months. Reports come from where people ring.'],
];

let leaflet = null;

function shade(rank, count) {
  const part = count <= 1 ? 1 : 1 - (rank - 1) / (count - 1);
  return part > 0.8 ? 'cell-5' : part > 0.6 ? 'cell-4' : part > 0.4 ? 'cell-3' : part > 0.2 ? 'cell-2' : 'cell-1';
}

function label(L, latlng, text, kind) {
  const node = h('span', null, text);
  return L.marker(latlng, { interactive: false, keyboard: false, icon: L.divIcon({ className: `map-name ${kind}`, html: node, iconSize: null }) });
}

// The base map: ward outlines where they are imported, and the squares of the National Grid.
function baseMap(L, map, wards, grid) {
  const turn = (c) => [c[1], c[0]];
  L.geoJSON(wards, { interactive: false, style: { className: 'ward' } }).addTo(map);
  const fine = L.layerGroup(), names = L.layerGroup(), wardNames = L.layerGroup();
  for (const feature of grid.features) {
    if (feature.geometry.type === 'Point') names.addLayer(label(L, turn(feature.geometry.coordinates), feature.properties.name, 'grid-name'));
    else {
      const named = feature.properties.step_m >= 5000;
      const line = L.polyline(feature.geometry.coordinates.map(turn), { interactive: false, className: named ? 'grid-line' : 'grid-line fine' });
      if (named) line.addTo(map);
      else fine.addLayer(line);
    }
  }
  for (const ward of wards.features) {
    const middle = L.geoJSON(ward).getBounds().getCenter();
    wardNames.addLayer(label(L, middle, ward.properties.name, 'ward-name'));
  }
  const fit = () => {
    const zoom = map.getZoom();
    for (const [layer, from] of [[names, 10], [fine, 13], [wardNames, 12]])
      if (zoom >= from) layer.addTo(map);
      else layer.remove();
  };
  map.on('zoomend', fit);
  if (wards.attribution) map.attributionControl.addAttribution(wards.attribution);
  return fit;
}

// One place for the locks of one allotment or gate line: their middle, and how many.
function lockPlaces(locks) {
  const places = new Map();
  for (const lock of locks) {
    if (!lock.position) continue;
    const name = lock.allotment || lock.device;
    const place = places.get(name) ?? { name, positions: [] };
    place.positions.push(lock.position);
    places.set(name, place);
  }
  const middle = (all, i) => all.reduce((sum, p) => sum + p[i], 0) / all.length;
  return [...places.values()].map(({ name, positions: all }) => ({ name, position: [middle(all, 0), middle(all, 1)], what: `${all.length} lock${all.length === 1 ? '' : 's'}` }));
}

// What is registered, as small marks under the squares.
function placeLayer(L, places, kind) {
  return L.layerGroup(places.map(({ name, position, what }) => {
    const node = h('span', null, h('span', { class: `place ${kind}` }), h('span', { class: 'place-name' }, name));
    return L.marker([position[1], position[0]], { pane: 'places', keyboard: false, alt: name, icon: L.divIcon({ className: 'place-icon', html: node, iconSize: [10, 10] }) })
      .bindTooltip(`${name}: ${what}`);
  }));
}

// A name stands beside its mark where it covers no other mark or name; else the pointer or the
// finger asks for it.
function fitNames(map, layers) {
  const marks = layers.filter(([, , layer]) => map.hasLayer(layer)).flatMap(([, , layer]) => layer.getLayers())
    .map((mark) => ({ mark, at: map.latLngToContainerPoint(mark.getLatLng()) }));
  const taken = marks.map(({ at }) => ({ left: at.x - 7, right: at.x + 7, top: at.y - 7, bottom: at.y + 7 }));
  for (const { mark, at } of marks) {
    const name = mark.getElement().querySelector('.place-name');
    const box = { left: at.x + 8, right: at.x + 12 + name.textContent.length * 7, top: at.y - 9, bottom: at.y + 9 };
    const free = taken.every((t) => t.right <= box.left || t.left >= box.right || t.bottom <= box.top || t.top >= box.bottom);
    name.classList.toggle('shown', free && map.getZoom() >= 10);
    if (free) taken.push(box);
  }
}

function placeControl(L, map, layers, fit) {
  const Control = L.Control.extend({ onAdd: () => {
    const node = h('fieldset', { class: 'place-control' }, h('legend', null, 'Registered'), layers.map(([kind, name, layer]) =>
      h('label', null, h('input', { type: 'checkbox', checked: true, onchange: (event) => { if (event.target.checked) layer.addTo(map); else layer.remove(); fit(); } }),
        h('span', { class: `place ${kind}`, 'aria-hidden': 'true' }), name)));
    L.DomEvent.disableClickPropagation(node);
    return node;
  } });
  new Control({ position: 'topright' }).addTo(map);
}

// The sites and lock places, as far as this login may know of them.
function placesOnMap(L, map, sites, locks) {
  map.createPane('places').style.zIndex = 390;
  const sitePlaces = sites.filter((s) => s.position).map((s) => ({ name: s.name || s.id, position: s.position, what: `${s.limit_mph} mph site` }));
  const layers = [['site', 'Sites', sitePlaces], ['lock', 'Locks', lockPlaces(locks)]].filter(([, , places]) => places.length > 0)
    .map(([kind, name, places]) => [kind, name, placeLayer(L, places, kind).addTo(map)]);
  const fit = () => fitNames(map, layers);
  if (layers.length > 0) placeControl(L, map, layers, fit);
  map.on('zoomend', fit);
  fit();
}

function score(layer, value) {
  if (layer === 'sensors') return `${(value * 24).toFixed(value * 24 < 0.1 ? 3 : 2)} a day awake`;
  return `${value.toFixed(value < 1 ? 2 : 1)} a month`;
}

function why(layer, p) {
  return h('div', { class: 'why' },
    h('p', null, p.words),
    h('dl', { class: 'facts' },
      h('dt', null, 'Without its events'), h('dd', null, score(layer, p.prior)),
      h('dt', null, layer === 'sensors' ? 'Hours awake' : 'Months'), h('dd', null, `${p.exposure}, recent ones counting most`),
      h('dt', null, 'Square'), h('dd', null, `${p.cell_m} m, south-west corner `, h('span', { class: 'grid-ref' }, p.grid_ref))),
    h('h3', null, p.events === 1 ? 'The event behind it' : `The ${p.events} events behind it`),
    p.behind.length === 0 ? h('p', { class: 'quiet' }, 'None of its own: it stands here because of its neighbours.')
      : h('ul', { class: 'plain-list' }, p.behind.map((b) => h('li', null, `${b.kind}, ${b.source}`, h('span', { class: 'quiet' }, ` · ${b.precision === 'minute' ? short(b.occurred) : date(b.occurred)} · weight ${b.weight}`)))),
    p.events > p.behind.length && p.behind.length > 0 ? h('p', { class: 'quiet' }, `and ${p.events - p.behind.length} older`) : null);
}

export async function hotspotsPage(at) {
  leaflet ??= import('/leaflet/leaflet.esm.js');
  const [L, wards, grid, { sites }, { locks }] = await Promise.all([leaflet, api.get('wards'), api.get('grid'), api.get('sites'),
    at.may('GET /api/1/locks') ? api.get('locks') : { locks: [] }]);
  if (at.gone()) return;
  const tabs = h('div', { class: 'tabs', role: 'group', 'aria-label': 'Layer' });
  const hint = h('p', { class: 'notice' });
  const box = h('div', { class: 'map', id: 'map' });
  const list = h('div', { class: 'ranking', 'aria-label': 'Ranked squares' });
  show(at.main, h('div', { class: 'page-head' }, h('h1', null, 'Hotspots'), tabs), hint, h('div', { class: 'map-split' }, box, list));

  // Without animation: one that runs on when the page is left would look for a map that is gone.
  const map = L.map(box, { zoomSnap: 0.5, minZoom: 8, maxZoom: 17, zoomAnimation: false });
  map.attributionControl.setPrefix(false);
  at.undo(() => map.remove());
  const gridBounds = L.geoJSON(grid).getBounds();
  map.fitBounds(gridBounds);
  const fit = baseMap(L, map, wards, grid);
  fit();
  placesOnMap(L, map, sites, locks);
  L.control.scale({ imperial: true, metric: true }).addTo(map);
  const cells = L.featureGroup().addTo(map);
  let chosen = null, features = [], layer = 'sensors';

  function choose(rank, fly) {
    chosen = chosen === rank && !fly ? null : rank;
    drawList();
    drawCells();
    const feature = features.find((f) => f.properties.rank === chosen);
    if (feature && fly) map.setView(L.geoJSON(feature).getBounds().getCenter(), Math.max(map.getZoom(), 13), { animate: false });
    if (chosen !== null && !fly) list.querySelector(`[data-key="rank-${rank}"]`)?.scrollIntoView({ block: 'nearest' });
  }

  function drawCells() {
    cells.clearLayers();
    for (const feature of [...features].reverse()) {
      const p = feature.properties;
      const shape = L.geoJSON(feature, { style: { className: `cell ${shade(p.rank, features.length)} ${p.rank === chosen ? 'chosen' : ''}` } });
      shape.bindTooltip(`${p.rank}. ${p.grid_ref}`);
      shape.on('click', () => choose(p.rank));
      cells.addLayer(shape);
    }
  }

  function drawList() {
    show(list, features.length === 0
      ? layer === 'sensors'
        ? empty('No hotspot yet', 'Squares appear here after the first alarm or tamper of a lock that has a position and has been awake for an hour.')
        : empty('No reports yet', 'Reports of antisocial behaviour or off-road riding can be imported by an administrator; they form a layer of their own.')
      : h('ol', { class: 'plain-list' }, features.map(({ properties: p }) =>
        h('li', { class: `card ${p.rank === chosen ? 'chosen' : ''}` },
          h('button', { class: 'cover-button', 'data-key': `rank-${p.rank}`, 'aria-expanded': String(p.rank === chosen), onclick: () => choose(p.rank, chosen !== p.rank) },
            h('span', { class: `rank ${shade(p.rank, features.length)}` }, p.rank),
            h('span', null, h('strong', { class: 'grid-ref' }, p.grid_ref), h('small', { class: 'quiet block' }, `${score(layer, p.score)} · ${p.events} event${p.events === 1 ? '' : 's'}`))),
          p.rank === chosen ? why(layer, p) : null))));
  }

  async function load(next) {
    layer = next;
    chosen = null;
    show(tabs, LAYERS.map(([key, name]) => h('button', { 'aria-pressed': String(key === layer), 'data-key': key, onclick: () => load(key) }, name)));
    hint.textContent = LAYERS.find(([key]) => key === layer)[2];
    const answer = await api.get(`hotspots?layer=${layer}`);
    if (at.gone()) return;
    features = answer.features;
    drawCells();
    drawList();
    if (features.length > 0) map.fitBounds(cells.getBounds(), { maxZoom: 13, padding: [30, 30] });
  }

  await load('sensors');
}
