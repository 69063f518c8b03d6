/** How many replies are still to be dropped, shared by the connections that one change applies to. */
export interface ReplyBudget {
  left: number;
}

/** Decides which of the server's bytes belong to a reply that is dropped. */
export class ReplyFilter {
  budget: ReplyBudget;
  #asked = false;
  #dropping = false;

  constructor(budget: ReplyBudget) {
    this.budget = budget;
  }

  /** Something went up: what comes down next begins a reply. */
  ask(): void {
    this.#asked = true;
  }

  /** Whether bytes that came from the server go on to the client. */
  passes(): boolean {
    if (this.#asked) {
      this.#asked = false;
      this.#dropping = this.budget.left > 0;
      if (this.#dropping) this.budget.left--;
    }
    // The rest of a reply that was begun to be dropped makes no sense alone, also after healing.
    return !this.#dropping;
  }
}
