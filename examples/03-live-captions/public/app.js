import { Board } from './board.js';
import { Line } from './line.js';
import { element, show } from './page.js';
import { Session } from './session.js';
import { openMicrophone, Recording } from './sources.js';

/** @import { Source } from './sources.js' */

/**
 * What the server tells about itself.
 *
 * @typedef {object} Settings
 * @property {string} backend
 * @property {boolean} hearsTones
 * @property {boolean} hearsSpeech
 * @property {boolean} canCut
 * @property {number} outageMs
 * @property {Record<string, { url: string, people: string[], words?: { word: string, channel: number }[] }>} samples By mode.
 */

const FIELDS = ['sources', 'modes', 'file'];
const TEXT_SIZES = ['1rem', '1.25rem', '1.5rem', '2rem', '2.5rem'];

/** @type {Settings} */
const settings = await (await fetch('/settings')).json();
const line = new Line();
const board = new Board({
  cutBridge: () => line.cut(settings.outageMs),
  cutDeepgram: settings.canCut ? () => void fetch('/cut', { method: 'POST' }) : undefined,
});
const form = /** @type {HTMLFormElement} */ (element('controls'));

/** @type {Session | undefined} */
let session;
let textSize = 1;

setUp();

function setUp() {
  show('backend', settings.backend);
  if (Object.keys(settings.samples).length === 0) {
    element('sample-choice').hidden = true;
    /** @type {HTMLInputElement} */ (form.querySelector('[value=microphone]')).checked = true;
  }
  form.addEventListener('change', showFields);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (session === undefined) void run();
    else void stop(session);
  });
  element('smaller').addEventListener('click', () => resizeText(-1));
  element('larger').addEventListener('click', () => resizeText(1));
  showFields();
  // Whoever has no mouse scrolls with the arrow keys.
  element('scroller').tabIndex = 0;
  // Only now does the button do something.
  /** @type {HTMLButtonElement} */ (element('start')).disabled = false;
}

/**
 * @param {string} name
 */
function chosen(name) {
  return String(new FormData(form).get(name));
}

function showFields() {
  const source = chosen('source');
  element('file-field').hidden = source !== 'file';
  const isDeaf = !settings.hearsSpeech && source !== 'sample';
  show(
    'notice',
    isDeaf ? 'Without a key, the emulator understands the tones of the sample, and no speech.' : '',
  );
}

async function run() {
  const mode = chosen('mode');
  const sample = chosen('source') === 'sample' ? settings.samples[mode] : undefined;
  const source = openSource(sample);
  if (source === undefined) return board.fail('Choose a recording first.');
  board.begin({ people: sample?.people ?? [], showsTurns: mode === 'turns' });
  session = new Session({
    source,
    url: `/${mode}`,
    WebSocket: line.WebSocket,
    onEvent: (event) => board.show(event),
  });
  lock(true, 'Stop');
  try {
    await session.run();
    board.succeed(sample?.words);
  } catch (error) {
    board.fail(error);
  } finally {
    session = undefined;
    board.end();
    lock(false, 'Start');
  }
}

/**
 * @param {Session} running
 */
async function stop(running) {
  lock(true, 'Finishing …');
  await running.stop();
}

/**
 * @param {Settings['samples'][string] | undefined} sample
 * @returns {Source | undefined}
 */
function openSource(sample) {
  if (sample !== undefined) {
    const read = async () => (await fetch(sample.url)).arrayBuffer();
    return new Recording(read, Math.max(1, sample.people.length));
  }
  if (chosen('source') === 'microphone') return openMicrophone(settings);
  const file = /** @type {HTMLInputElement} */ (element('file')).files?.[0];
  return file && new Recording(() => file.arrayBuffer(), 1);
}

/**
 * What is running cannot be chosen anew.
 *
 * @param {boolean} isRunning
 * @param {string} label
 */
function lock(isRunning, label) {
  document.body.classList.toggle('running', isRunning);
  for (const id of FIELDS) /** @type {HTMLFieldSetElement} */ (element(id)).disabled = isRunning;
  show('start', label);
}

/**
 * @param {number} steps
 */
function resizeText(steps) {
  textSize = Math.max(0, Math.min(TEXT_SIZES.length - 1, textSize + steps));
  document.body.style.setProperty('--text', /** @type {string} */ (TEXT_SIZES[textSize]));
}
