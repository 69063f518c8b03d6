import { DatabaseSync } from '@photostructure/sqlite';
import { print, untilTold } from './opened.js';

/** Keeps the lock of writers of a SQLite file until it is told. */
const database = new DatabaseSync(process.argv[2] ?? '');
database.exec('BEGIN IMMEDIATE');
print('locked');
await untilTold();
database.exec('ROLLBACK');
database.close();
print('released');
