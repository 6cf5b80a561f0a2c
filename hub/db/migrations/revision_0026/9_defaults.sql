-- What a team begins with: one pipeline, lead statuses, reasons and outcomes.

INSERT INTO crm.pipeline (name, position) VALUES ('Sales', 1);

-- Zendesk Sell's own stages. It publishes no likelihoods for them, so these are our choice.
INSERT INTO crm.stage (pipeline_id, name, category, position, likelihood, is_active)
SELECT p.id, s.* FROM crm.pipeline p, (VALUES
  ('Incoming', 'incoming', 1, 10, true), ('Qualified', 'in_progress', 2, 25, true),
  ('Quote', 'in_progress', 3, 50, true), ('Closure', 'in_progress', 4, 75, true),
  ('Won', 'won', 5, 100, false), ('Unqualified', 'unqualified', 6, 0, false),
  ('Lost', 'lost', 7, 0, false)) AS s;

INSERT INTO crm.lead_status (name, position, is_unqualified)
VALUES ('New', 1, false), ('Working', 2, false), ('Qualified', 3, false), ('Unqualified', 4, true);

INSERT INTO crm.reason (kind, name) VALUES
  ('loss', 'Price'), ('loss', 'Competitor'), ('loss', 'No decision'), ('loss', 'Timing'),
  ('deal_unqualified', 'No budget'), ('deal_unqualified', 'No need'),
  ('deal_unqualified', 'No authority'),
  ('lead_unqualified', 'Not a lead'), ('lead_unqualified', 'No budget'),
  ('lead_unqualified', 'No need'), ('lead_unqualified', 'Not reachable'),
  ('lead_unqualified', 'Bad timing');

INSERT INTO crm.outcome (kind, name) VALUES
  ('call', 'Interested'), ('call', 'Not interested'), ('call', 'No answer'),
  ('call', 'Left a message'), ('visit', 'Interested'), ('visit', 'Not interested'),
  ('visit', 'Nobody there');
