export { Cursors, isListed, limitOf, newestFirst, type Position } from './pages.js';
export { checkPurgeQuery, isPurged } from './purge-query.js';
export { fromJsonRecord, isStorable, isStorableId, type JsonRecord, toJsonRecord } from './record.js';
