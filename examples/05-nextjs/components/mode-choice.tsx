import type { Mode } from '@/lib/api';

const CHOICES: readonly { value: Mode; name: string; hint: string }[] = [
  { value: 'automatic', name: 'Automatic', hint: 'Short recordings at once, long ones in the queue' },
  { value: 'sync', name: 'Now', hint: 'This page waits for the words' },
  { value: 'async', name: 'Queue', hint: 'You can leave; it goes on' },
];

interface ModeChoiceProps {
  readonly value: Mode;
  readonly error: string | undefined;
  readonly isDisabled: boolean;
  onChange(mode: Mode): void;
}

export function ModeChoice({ value, error, isDisabled, onChange }: ModeChoiceProps) {
  return (
    <fieldset className="choice" disabled={isDisabled} aria-describedby={error && 'mode-error'}>
      <legend>When</legend>
      <div className="options">
        {CHOICES.map((choice) => (
          <label key={choice.value}>
            <input
              type="radio"
              name="mode"
              value={choice.value}
              checked={value === choice.value}
              onChange={() => onChange(choice.value)}
            />
            <span>
              <strong>{choice.name}</strong>
              <small>{choice.hint}</small>
            </span>
          </label>
        ))}
      </div>
      {error !== undefined && (
        <p className="error" id="mode-error">
          {error}
        </p>
      )}
    </fieldset>
  );
}
