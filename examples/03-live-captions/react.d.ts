// The few names of React that use-live-captions.tsx uses, so that it is checked here. An app of yours has @types/react.
declare module 'react' {
  export function useState<Value>(
    initial: Value,
  ): [Value, (next: Value | ((former: Value) => Value)) => void];
  export function useRef<Value>(initial: Value): { current: Value };
  export function useCallback<Callback>(callback: Callback, dependencies: readonly unknown[]): Callback;
  // biome-ignore lint/suspicious/noConfusingVoidType: React takes both.
  export function useEffect(effect: () => void | (() => void), dependencies: readonly unknown[]): void;
}
