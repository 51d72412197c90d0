import { describe, expect, it } from 'vitest';
import { InputNews, usageInput } from './input-news.ts';

const change = (usage: boolean, ...queries: string[]) => ({ usage, queries: new Set(queries) });

describe('InputNews', () => {
  it('tells policies that have all of their inputs from those that have a part', () => {
    const news = new InputNews();
    news.setInputs('a', new Set([usageInput]));
    news.setInputs('b', new Set([usageInput, 'q']));
    expect(news.note(change(true))).toEqual({ complete: ['a'], partial: ['b'] });
    expect(news.note(change(false, 'q', 'other'))).toEqual({ complete: ['b'], partial: [] });
  });

  it('begins anew with every evaluation', () => {
    const news = new InputNews();
    news.setInputs('b', new Set([usageInput, 'q']));
    news.note(change(true));
    news.taken('b');
    expect(news.hasNews('b')).toBe(false);
    expect(news.note(change(false, 'q'))).toEqual({ complete: [], partial: ['b'] });
  });

  it('keeps news of inputs that stay when the inputs change, and nothing of a policy that is gone', () => {
    const news = new InputNews();
    news.setInputs('b', new Set([usageInput, 'q']));
    news.note(change(true));
    news.setInputs('b', new Set([usageInput, 'r']));
    expect(news.note(change(false, 'q'))).toEqual({ complete: [], partial: [] });
    expect(news.note(change(false, 'r'))).toEqual({ complete: ['b'], partial: [] });
    news.forget('b');
    expect(news.note(change(true, 'r'))).toEqual({ complete: [], partial: [] });
  });
});
