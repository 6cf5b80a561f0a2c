"""The words from which the names of fake people and companies are made.

Names are grouped by language, so that a first name fits its last name. Not here: the choice.
"""


def _listed(words: str) -> list[str]:
    return [" ".join(word.split()) for word in words.split(",")]


FIRST = {
    "fr": _listed("""
        Camille, Léa, Manon, Chloé, Inès, Jade, Louise, Alice, Juliette, Zoé, Margaux, Élise, Anaïs,
        Lucie, Clémence, Aurélie, Céline, Hélène, Noémie, Agathe, Solène, Delphine, Maëlys, Océane,
        Victoire, Capucine, Éloïse, Apolline, Romane, Salomé, Gabriel, Hugo, Arthur, Louis, Jules,
        Lucas, Théo, Nathan, Raphaël, Maxime, Antoine, Baptiste, Clément, Étienne, François,
        Frédéric, Gaëtan, Guillaume, Jérôme, Julien, Laurent, Léo, Loïc, Mathieu, Nicolas, Olivier,
        Pascal, Quentin, Rémi, Sébastien, Stéphane, Sylvain, Thibault, Valentin, Xavier, Yves,
        Anne-Sophie, Marie-Laure, Jean-Baptiste, Jean-Marc
    """),
    "en": _listed("""
        Olivia, Amelia, Isla, Ava, Emily, Sophie, Grace, Ruby, Charlotte, Harriet, Eleanor, Imogen,
        Phoebe, Beatrice, Rosalind, Georgina, Abigail, Hannah, Megan, Bethany, Poppy, Florence,
        Matilda, Cordelia, Winifred, Oliver, George, Harry, Noah, Jack, Oscar, Alfie, Henry, Thomas,
        Edward, Samuel, Benjamin, Duncan, Callum, Rory, Gareth, Rhys, Owen, Graham, Nigel, Stuart,
        Malcolm, Desmond, Clifford, Ezra, Wyatt, Carter, Mason, Logan, Tyler, Brooke, Savannah,
        Delaney, Kendra, Latoya
    """),
    "de": _listed("""
        Anneliese, Friederike, Jürgen, Käthe, Lukas, Maximilian, Björn, Günther, Heike, Ingrid,
        Jörg, Katharina, Matthias, Sabine, Ulrich, Wolfgang, Dörte, Sönke, Annika, Torben
    """),
    "br": _listed("""
        Yann, Gwenaëlle, Maëlle, Erwan, Ronan, Nolwenn, Tanguy, Goulven, Riwal, Enora, Katell,
        Soizic, Morwenna, Malo, Ewen, Corentin, Gaïd, Alan, Brieuc, Loeiza
    """),
    "ar": _listed("""
        Mohamed, Fatima, Youssef, Khadija, Omar, Amina, Karim, Leïla, Rachid, Nadia, Samir, Yasmine,
        Tarek, Hicham, Soraya, Abdelkader, Zineb, Bilal, Mounira, Ilyas, Nour, Hassan, Salma, Walid,
        Meriem
    """),
}
LAST = {
    "fr": _listed("""
        Martin, Bernard, Dubois, Thomas, Robert, Richard, Petit, Durand, Leroy, Moreau, Simon,
        Laurent, Lefebvre, Michel, Garcia, David, Bertrand, Roux, Vincent, Fournier, Morel, Girard,
        André, Mercier, Dupont, Lambert, Bonnet, François, Martinez, Legrand, Garnier, Faure,
        Rousseau, Blanc, Guérin, Muller, Henry, Roussel, Nicolas, Perrin, Morin, Mathieu, Clément,
        Gauthier, Dumont, Lopez, Fontaine, Chevalier, Robin, Masson, Sanchez, Gérard, Nguyen, Boyer,
        Denis, Lemaire, Duval, Joly, Gautier, Roger, Roche, Noël, Meyer, Lucas, Meunier, Jean,
        Pérez, Marchand, Dufour, Blanchard, Marie, Barbier, Brun, Dumas, Brunet, Schmitt, Leroux,
        Colas, Fernandez, Pierre, Renard, Arnaud, Rolland, Caron, Aubert, Giraud, Leclerc, Vidal,
        Bourgeois, Renaud, Lemoine, Picard, Gaillard, Philippe, Léger, Besnard, Delattre, Vasseur,
        Charpentier, Delacroix, Beaumont, Saint-Georges, Dupuis-Morin
    """),
    "en": _listed("""
        Smith, Jones, Taylor, Brown, Williams, Wilson, Johnson, Davies, Patel, Wright, Walker,
        White, Edwards, Hughes, Green, Hall, Lewis, Harris, Clarke, Jackson, Wood, Turner, Martin,
        Cooper, Hill, Ward, Morris, Moore, Clark, Lee, King, Baker, Harrison, Morgan, Allen, James,
        Scott, Phillips, Watson, Davis, Parker, Price, Bennett, Young, Griffiths, Mitchell, Kelly,
        Cook, Carter, Richardson, Bailey, Collins, Bell, Shaw, Murphy, Miller, Cox, Marshall, Ellis,
        Murray, Fletcher, Ashworth, Blackwood, Cartwright, Dunmore, Eastwick, Fairweather,
        Greenhalgh, Hathaway, Inglewood, Kettering, Lockhart, Merriweather, Netherby, Oakshott,
        Pemberton, Quartermain, Ravenscroft, Silverton, Thistlewood, Underhill, Wetherby,
        Yarborough, O'Connor, O'Neill, McAllister, MacDonald, Fitzgerald, Smythe-Jones
    """),
    "de": _listed("""
        Müller, Schmidt, Schneider, Fischer, Weber, Meyer, Wagner, Becker, Schulz, Hoffmann,
        Schäfer, Koch, Bauer, Richter, Klein, Wolf, Schröder, Neumann, Schwarz, Zimmermann, Braun,
        Krüger, Hofmann, Hartmann, Lange, Schmitt, Werner, Krause, Lehmann, Köhler, Vogel, Jäger,
        Groß, Weiß, Böhm
    """),
    "br": _listed("""
        Kerléo, Kervella, Le Goff, Le Gall, Le Bihan, Le Floc'h, Le Roux, Quéméner, Guivarc'h,
        Cadiou, Kermarrec, Riou, Tanguy, Morvan, Gourvennec, Abgrall, Cloarec, Bodénès, Salaün,
        Kerouédan, Penven, Trévidic, Corre, Hélias, Jaouen, Kerbrat, Lozac'h, Nédélec, Pennec,
        Quiniou
    """),
    "ar": _listed("""
        Benali, Haddad, Bouzid, Cherif, Mansouri, Belkacem, Amrani, Ziani, Khelifi, Boudiaf, Saïdi,
        Tazi, Bennani, Alaoui, Fassi, Idrissi, Chaoui, Lahlou, Berrada, Ouazzani, Trabelsi, Jaziri,
        Gharbi, Ayari, Hamdi, Nasri, Rahmani, Slimani, Toumi, Yahiaoui
    """),
}
COUNTRY = {
    "fr": "France",
    "en": "United Kingdom",
    "us": "United States",
    "de": "Germany",
    "br": "France",
    "ar": "France",
}
CITIES = {
    "France": _listed("""
        Rennes, Brest, Nantes, Lyon, Lille, Toulouse, Quimper, Bordeaux, Strasbourg, Vannes
    """),
    "United Kingdom": _listed("""
        London, Leeds, Bristol, Manchester, York, Norwich, Cardiff, Edinburgh
    """),
    "United States": _listed("""
        Boston, Denver, Portland, Austin, Chicago, Seattle
    """),
    "Germany": _listed("""
        Berlin, Hamburg, Leipzig, Köln, München, Freiburg
    """),
}
COMPANY_FIRST = _listed("""
    Armor, Belleville, Cormoran, Dunes, Estuaire, Falaise, Granit, Hermine, Iroise, Jonquille,
    Korrigan, Lichen, Menhir, Nacre, Oriel, Phare, Quartz, Rivage, Sarrasin, Tilleul, Vigie, Ajonc,
    Brume, Cyprès, Northgate, Bramble, Copperfield, Drayton, Elmhurst, Foxglove, Greystone,
    Holloway, Ironbridge, Juniper, Kestrel, Larkspur, Mossbank, Nettleton, Oakmere, Pinewood,
    Ridgeway, Saltmarsh, Thornbury, Westbrook, Zephyr, Alder, Birkenfeld, Eichhorn, Falke, Lindental
""")
COMPANY_SECOND = {
    "fr": _listed("""
        Marine, Logistique, Conseil, Énergies, Bâtiment, Agro, Textiles, Mécanique, Imprimerie,
        Santé, Numérique, Emballages, Menuiserie, Optique, Formation
    """),
    "en": _listed("""
        Bearings, Foods, Analytics, Software, Textiles, Logistics, Instruments, Packaging, Ceramics,
        Shipping, Interiors, Labs, Energy, Partners, Robotics
    """),
}
LEGAL_FORMS = {"fr": ("SARL", "SAS", "SA", ""), "en": ("Ltd", "Inc.", "LLC", "")}
TITLES = {
    "fr": (
        "Directrice commerciale",
        "Responsable achats",
        "Gérant",
        "Chef de projet",
        "Assistante de direction",
        "Responsable informatique",
    ),
    "en": (
        "Head of Sales",
        "Operations Manager",
        "Founder",
        "Buyer",
        "IT Manager",
        "Marketing Executive",
    ),
}
MESSAGES = {
    "fr": (
        "Bonjour, pourriez-vous m'envoyer vos tarifs ?",
        "Nous cherchons une solution pour 25 postes, à partir de janvier.",
        "Merci de me rappeler en fin de matinée.",
        "Une démonstration serait utile à notre équipe.",
        "Où trouver la documentation technique ?",
    ),
    "en": (
        "Hello, could you send me your price list?",
        "We are looking for something for 25 seats, from January.",
        "Please call me back, mornings are best.",
        "A demo would help our team decide.",
        "Is there a discount for non-profits?",
    ),
}
PERSONAL_DOMAINS = (
    "postbox.example",
    "courriel.example",
    "webmail.example",
    "lapost.example",
)
