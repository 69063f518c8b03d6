'use client';

import { type DragEvent, useRef, useState } from 'react';

interface DropZoneProps {
  readonly file: File | undefined;
  readonly error: string | undefined;
  readonly isDisabled: boolean;
  onChoose(file: File | undefined): void;
}

/** The whole field is the label of a file input: a click, a drop and the keyboard do the same. */
export function DropZone({ file, error, isDisabled, onChoose }: DropZoneProps) {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);

  function drop(event: DragEvent) {
    event.preventDefault();
    setIsOver(false);
    const [dropped] = event.dataTransfer.files;
    if (dropped !== undefined && !isDisabled) onChoose(dropped);
  }

  return (
    <div className="field">
      <label
        className="drop"
        data-over={isOver}
        data-wrong={error !== undefined}
        onDragOver={(event) => {
          event.preventDefault();
          setIsOver(true);
        }}
        onDragLeave={() => setIsOver(false)}
        onDrop={drop}
      >
        <input
          ref={input}
          id="file"
          type="file"
          accept="audio/*,video/*"
          disabled={isDisabled}
          aria-invalid={error !== undefined}
          aria-describedby={error === undefined ? undefined : 'file-error'}
          onChange={(event) => {
            onChoose(event.target.files?.[0]);
            // The same file may be chosen again.
            event.target.value = '';
          }}
        />
        <svg viewBox="0 0 24 24" width="34" height="34" aria-hidden="true">
          <path d="M12 16V4m0 0L7 9m5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3" />
        </svg>
        {file === undefined ? (
          <span>
            <strong>Choose a recording</strong> or drop it here
          </span>
        ) : (
          <span>
            <strong id="chosen">{file.name}</strong> {sizeOf(file.size)}
          </span>
        )}
      </label>
      {error !== undefined && (
        <p className="error" id="file-error">
          {error}
        </p>
      )}
    </div>
  );
}

function sizeOf(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
