// One module, so that what reads audio is loaded at once, with the first source that is opened.
export { openChunks } from './open-chunks.js';
export { openFile } from './open-file.js';
